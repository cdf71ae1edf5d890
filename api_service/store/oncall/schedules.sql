-- insert --
-- A new schedule.
insert into schedule (application_id, schedule_id, prefix_id, tiny_id, name, time_zone, meta, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- get --
-- One schedule of one application, by either id.
select schedule_id, application_id, prefix_id, tiny_id, name, time_zone, meta, created_at, updated_at
from schedule
where application_id = $1 and (schedule_id = $2 or prefix_id = $2);

-- update --
-- What a client may change of a schedule.
update schedule set name = $3, time_zone = $4, meta = $5, updated_at = $6
where application_id = $1 and schedule_id = $2;

-- delete --
-- The schedule is gone, and with it what is its alone.
delete from schedule where application_id = $1 and schedule_id = $2;

-- going --
-- The events that are on this schedule alone, with their descendants, and the other schedules that those are on; and how
-- many are on this one.
with recursive going as (
    select here.oncall_event_id
    from oncall_event_schedule here
    where here.schedule_id = $1 and not exists (
        select from oncall_event_schedule other
        where other.oncall_event_id = here.oncall_event_id and other.schedule_id <> $1
    )
    union
    select child.oncall_event_id from going join oncall_event child on child.parent_id = going.oncall_event_id
)
select
    coalesce(array_agg(distinct going.oncall_event_id), '{}') as event_ids,
    (select count(*) from oncall_event_schedule where schedule_id = $1) as count,
    coalesce(array_agg(distinct schedule_id) filter (where schedule_id <> $1), '{}') as schedule_ids
from going left join oncall_event_schedule using (oncall_event_id);

-- delete_events --
-- These events are gone.
delete from oncall_event where oncall_event_id = any($1::text[]);

-- detach --
-- Nothing is on the schedule any more. What was has its row written anew, as by whatever else is written of it.
with detached as (delete from oncall_event_schedule where schedule_id = $1 returning oncall_event_id)
update oncall_event set updated_at = updated_at
from detached where oncall_event.oncall_event_id = detached.oncall_event_id;

-- resolve --
-- The schedules of one application that have one of these ids.
select schedule_id, prefix_id from schedule
where application_id = $1 and (schedule_id = any($2::text[]) or prefix_id = any($2::text[]));

-- page --
-- A page of the schedules that match.
select schedule_id, application_id, prefix_id, tiny_id, name, time_zone, meta, created_at, updated_at
from schedule
where application_id = $1 and {filters} order by {order} {part};

-- count --
-- How many match.
select count(*) from schedule where application_id = $1 and {filters};
