-- streaks --
-- How those of these events stand that are failing, or of which a failure is told; kept from changing, in their order.
select event_id, failing_since, recovered_at
from event_state
where event_id = any($1::text[]) and (failing_since is not null or event_id = any($2::text[]))
order by event_id
for no key update;

-- turn --
-- Events that have begun to fail or have ceased to.
update event_state as state
set failing_since = fact.failing_since, recovered_at = fact.recovered_at
from unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) as fact (event_id, failing_since, recovered_at)
where state.event_id = fact.event_id;

-- subjects --
-- Whose these events are, and where they ring; what nobody owns is nobody told of.
select event_id, application_id, event_owner, callback_url from event
where event_id = any($1::text[]) and event_owner <> '';

-- insert --
-- What owners are to be told, not before a moment, nor before they are tried again with what waits for them already.
insert into notification (event_id, application_id, event_owner, kind, facts, happened, not_before)
select fact.event_id, fact.application_id, fact.event_owner, fact.kind, fact.facts::json, fact.happened,
       greatest($7, (
           select max(waiting.not_before) from notification as waiting where waiting.event_owner = fact.event_owner
       ))
from unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
    with ordinality as fact (event_id, application_id, event_owner, kind, facts, happened, place)
order by fact.place;

-- take --
-- All that waits for the owner who has waited longest of those who may be told by now; nobody else takes it meanwhile.
with due as materialized (
    select event_owner, application_id
    from notification
    where not_before <= $1
    order by not_before, id
    limit 1
    for update skip locked
)
select id, event_id, application_id, event_owner, kind, facts, happened, tries
from notification
where (event_owner, application_id) = (select event_owner, application_id from due)
order by id
limit $2
for update skip locked;

-- delete --
-- What was told, or never will be.
delete from notification where id = any($1::bigint[]);

-- postpone --
-- What could not be told this time.
update notification set tries = tries + 1, not_before = $2 where id = any($1::bigint[]);

-- waiting --
-- How many notifications are not yet told.
select count(*) from notification;
