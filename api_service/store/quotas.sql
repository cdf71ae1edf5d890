-- hold_with_others --
-- Events of these applications may be created by others too, and by nobody who wants to be alone. Whoever takes several
-- locks takes them in the order of their numbers.
select pg_advisory_xact_lock_shared($1, application_id)
from (select application_id from unnest($2::integer[]) as held (application_id) order by application_id) as held;

-- hold_alone --
-- Nobody else creates events of these applications before this transaction ends.
select pg_advisory_xact_lock($1, application_id)
from (select application_id from unnest($2::integer[]) as held (application_id) order by application_id) as held;

-- used --
-- How many events the applications have, and how many transactions there can be at once.
select held.application_id, coalesce(sum(events), 0)::bigint as events,
    current_setting('max_connections')::integer as at_once
from unnest($1::integer[]) as held (application_id) left join event_count using (application_id)
group by held.application_id;
