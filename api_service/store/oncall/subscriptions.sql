-- get --
-- One subscription to a schedule of an application.
select event_id, event.application_id, event.shard, version, event_owner, interval, timezone, start_date, end_date,
       callback_url, context, tags, created_date, updated_date, anchor, delivery, status, settled_through, last_run_date,
       paused_reason, schedule_id, roster
from event join event_state using (event_id) join subscription using (event_id)
where event.application_id = $1 and schedule_id = $2 and event_id = $3;

-- get_for_update --
-- The same, and kept as it is until the transaction ends: the event first, then its state.
select event_id, event.application_id, event.shard, version, event_owner, interval, timezone, start_date, end_date,
       callback_url, context, tags, created_date, updated_date, anchor, delivery, status, settled_through, last_run_date,
       paused_reason, schedule_id, roster
from event join event_state using (event_id) join subscription using (event_id)
where event.application_id = $1 and schedule_id = $2 and event_id = $3
for update of event, event_state;

-- hold --
-- All subscriptions to some schedules, in the order in which they are kept as they are until the transaction ends.
select event_id, event.application_id, event.shard, version, event_owner, interval, timezone, start_date, end_date,
       callback_url, context, tags, created_date, updated_date, anchor, delivery, status, settled_through, last_run_date,
       paused_reason, schedule_id, roster
from event join event_state using (event_id) join subscription using (event_id)
where event.application_id = $1 and schedule_id = any($2::text[])
order by event_id
for update of event, event_state;

-- page --
-- A page of a schedule's subscriptions that match.
select event_id, event.application_id, event.shard, version, event_owner, interval, timezone, start_date, end_date,
       callback_url, context, tags, created_date, updated_date, anchor, delivery, status, settled_through, last_run_date,
       paused_reason, schedule_id, roster
from event join event_state using (event_id) join subscription using (event_id)
where event.application_id = $1 and schedule_id = $2 and {filters} order by {order} {part};

-- count --
-- How many match.
select count(*) from event join subscription using (event_id) where event.application_id = $1 and schedule_id = $2 and {filters};
