-- hold_with_others --
-- Events of the application may be created by others too, and by nobody who wants to be alone.
select pg_advisory_xact_lock_shared($1, $2);

-- hold_alone --
-- Nobody else creates an event of the application before this transaction ends.
select pg_advisory_xact_lock($1, $2);

-- used --
-- How many events the application has, and how many transactions there can be at once.
select coalesce(sum(events), 0)::bigint as events, current_setting('max_connections')::integer as at_once
from event_count
where application_id = $1;
