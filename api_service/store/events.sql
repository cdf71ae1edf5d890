-- insert_terms --
-- New events can be found by these.
insert into event_term (application_id, term, event_id)
select application_id, term, event_id
from json_to_recordset(convert_from($1, 'UTF8')::json) as given (application_id integer, event_id text, terms uuid[]),
    unnest(terms) as term;

-- insert --
-- New events, their states and the first rows of their histories, what they subscribe to, and that they count.
-- The shards are held, so nobody else is at their counts.
with new as materialized (
    select *
    from json_to_recordset(convert_from($1, 'UTF8')::json) as given (
        event_id text, application_id integer, shard smallint, version bigint, event_owner text, interval text,
        timezone text, start_date timestamptz, end_date timestamptz, callback_url text, context text, tags text[],
        created_date timestamptz, updated_date timestamptz, anchor timestamptz, status text,
        settled_through timestamptz, last_run_date timestamptz, paused_reason text, delivery text, schedule_id text,
        roster text
    )
), written as (
    insert into event (
        event_id, application_id, shard, version, event_owner, interval, timezone, start_date, end_date,
        callback_url, context, tags, created_date, updated_date, anchor, delivery
    )
    select
        event_id, application_id, shard, version, event_owner, interval, timezone, start_date, end_date,
        callback_url, context::json, tags, created_date, updated_date, anchor, delivery::json
    from new
), subscribed as (
    insert into subscription (event_id, application_id, shard, schedule_id, roster)
    select event_id, application_id, shard, schedule_id, decode(roster, 'base64')
    from new
    where schedule_id is not null
), begun as (
    insert into event_state (event_id, application_id, shard, status, settled_through, last_run_date, paused_reason)
    select event_id, application_id, shard, status, settled_through, last_run_date, paused_reason from new
), ruled as (
    insert into event_rule (event_id, version, valid_from, interval, timezone, end_date, anchor, paused, roster)
    select
        event_id, version, updated_date, interval, timezone, end_date, anchor, status = 'PAUSED',
        decode(roster, 'base64')
    from new
)
insert into event_count (application_id, shard, events)
select application_id, shard, count(*) from new group by application_id, shard
on conflict (application_id, shard) do update set events = event_count.events + excluded.events;

-- get --
-- One event of one application.
select event_id, event.application_id, event.shard, version, event_owner, interval, timezone, start_date, end_date,
       callback_url, context, tags, created_date, updated_date, anchor, delivery, status, settled_through, last_run_date,
       paused_reason, schedule_id, roster
from event join event_state using (event_id) left join subscription using (event_id)
where event_id = $2 and event.application_id = $1;

-- get_for_update --
-- The same, and kept as it is until the transaction ends: the event first, then its state.
select event_id, event.application_id, event.shard, version, event_owner, interval, timezone, start_date, end_date,
       callback_url, context, tags, created_date, updated_date, anchor, delivery, status, settled_through, last_run_date,
       paused_reason, schedule_id, roster
from event join event_state using (event_id) left join subscription using (event_id)
where event_id = $2 and event.application_id = $1
for update of event, event_state;

-- update --
-- What a client may change of an event, and its roster where it has one.
with rearmed as (
    update subscription set roster = $14 where event_id = $2 and roster <> $14::bytea
)
update event
set version = $3, interval = $4, timezone = $5, start_date = $6, end_date = $7, callback_url = $8, context = $9,
    tags = $10, updated_date = $11, anchor = $12, delivery = $13
where event_id = $2 and application_id = $1
returning event_id;

-- update_status --
-- Where the event stands now, and why it is paused where it is.
update event_state set status = $3, paused_reason = $4
where event_id = $2 and application_id = $1 and (status <> $3 or paused_reason is distinct from $4);

-- begin_series --
-- The event's series begins anew as of this version.
update event_state set series = $3, settled_through = null where event_id = $2 and application_id = $1;

-- add_terms --
-- The event can now also be found by these.
insert into event_term (application_id, term, event_id) select $1, unnest($3::uuid[]), $2;

-- drop_terms --
-- The event can no longer be found by these.
delete from event_term where application_id = $1 and term = any($3::uuid[]) and event_id = $2;

-- delete --
-- The event and its state; it counts no more.
with gone as (
    delete from event where event_id = $2 and application_id = $1 returning event_id, application_id, shard
), counted as (
    update event_count set events = events - 1
    from gone
    where event_count.application_id = gone.application_id and event_count.shard = gone.shard
)
select event_id from gone;

-- page_rows --
-- These events of one application, newest first.
select event_id, event.application_id, event.shard, version, event_owner, interval, timezone, start_date, end_date,
       callback_url, context, tags, created_date, updated_date, anchor, delivery, status, settled_through, last_run_date,
       paused_reason, schedule_id, roster
from event join event_state using (event_id) left join subscription using (event_id)
where event_id = any($2::text[]) and event.application_id = $1
order by event_id desc;
