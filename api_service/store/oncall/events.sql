-- rows --
-- Of the events that are wanted all that is kept, in the order in which they are wanted.
select
    oncall_event_id, application_id, prefix_id, tiny_id, layer, time_zone, start_wall, start_fold, end_wall, end_fold,
    start_at, end_at, last_end, repeat, frequency, frequency_unit, days_of_week, repeat_end, terminated_on, rotation,
    parent_id, role, covers, meta, created_at, updated_at,
    attendee_ids, account_user_ids, exception_starts, exception_ids, schedule_ids
from wanted
join oncall_event as event using (oncall_event_id)
left join lateral (
    select array_agg(attendee_id order by position) as attendee_ids,
        array_agg(account_user_id order by position) as account_user_ids
    from oncall_event_attendee where oncall_event_id = event.oncall_event_id
) as attendee on true
left join lateral (
    select array_agg(start_at order by start_at) as exception_starts,
        array_agg(exception_id order by start_at) as exception_ids
    from oncall_event_exception where oncall_event_id = event.oncall_event_id
) as exception on true
left join lateral (
    select array_agg(schedule_id order by schedule_id) as schedule_ids
    from oncall_event_schedule where oncall_event_id = event.oncall_event_id
) as held on true
order by wanted.place;

-- get --
-- One event of one application, by either of its ids.
with wanted as (
    select oncall_event_id, 1 as place from oncall_event
    where application_id = $1 and (oncall_event_id = $2 or prefix_id = $2)
)
{rows}

-- page --
-- A page of the events that match.
with wanted as (
    select oncall_event_id, row_number() over (order by {order}) as place
    from oncall_event where application_id = $1 and {filters} order by {order} {part}
)
{rows}

-- count --
-- How many match.
select count(*) from oncall_event where application_id = $1 and {filters};

-- page_of_schedule --
-- A page of the events on a schedule that match.
with wanted as (
    select oncall_event_id, row_number() over (order by {order}) as place
    from oncall_event
    where application_id = $1
        and oncall_event_id in (select oncall_event_id from oncall_event_schedule where schedule_id = $2)
        and {filters}
    order by {order} {part}
)
{rows}

-- count_of_schedule --
-- How many of those match.
select count(*) from oncall_event
where application_id = $1
    and oncall_event_id in (select oncall_event_id from oncall_event_schedule where schedule_id = $2)
    and {filters};

-- names_of_parent --
-- Both names of an event's parent.
array(
    select unnest(array[parent.oncall_event_id, parent.prefix_id])
    from oncall_event as parent where parent.oncall_event_id = oncall_event.parent_id
)

-- names_of_schedules --
-- Both names of each schedule that an event is on.
array(
    select unnest(array[schedule.schedule_id, schedule.prefix_id])
    from oncall_event_schedule as held join schedule using (schedule_id)
    where held.oncall_event_id = oncall_event.oncall_event_id
)

-- names_of_attendees --
-- Both names of each account user who takes part in an event.
array(
    select unnest(array[account_user.account_user_id, account_user.prefix_id])
    from oncall_event_attendee as attendee join account_user using (account_user_id)
    where attendee.oncall_event_id = oncall_event.oncall_event_id
)

-- people --
-- These account users by name, and what clock they live by.
select account_user_id, name, time_zone from account_user
where application_id = $1 and account_user_id = any($2::text[])
order by account_user_id;

-- family --
-- An event, all above it and all below those: parents and children, theirs, and so on; each with the version of its row.
with recursive above as (
    select oncall_event_id, parent_id from oncall_event where application_id = $1 and oncall_event_id = $2
    union
    select parent.oncall_event_id, parent.parent_id
    from above join oncall_event as parent on parent.oncall_event_id = above.parent_id
), below as (
    select oncall_event_id from above
    union
    select child.oncall_event_id from below join oncall_event as child on child.parent_id = below.oncall_event_id
)
select oncall_event_id, oncall_event.xmin::text || oncall_event.ctid::text as version
from below join oncall_event using (oncall_event_id)
order by oncall_event_id;

-- these --
-- Events by their ids, in the order of the ids.
with wanted as (
    select oncall_event_id, oncall_event_id as place from unnest($1::text[]) as given (oncall_event_id)
)
{rows}

-- of_schedules --
-- The events on any of these schedules that may have an occurrence that overlaps a window, and which version of its row
-- each is now, by who wrote it and where it lies: whatever is written of an event, its row is written anew. Each is
-- looked up by its key, however few or many the planner takes them for.
select version.oncall_event_id, version.version
from (
    select distinct oncall_event_id from oncall_event_schedule where schedule_id = any($2::text[])
) as held
cross join lateral (
    select oncall_event_id, xmin::text || ctid::text as version
    from oncall_event
    where oncall_event.oncall_event_id = held.oncall_event_id
        and application_id = $1
        and start_at < $4
        and (last_end is null or last_end > $3)
    offset 0
) as version
order by oncall_event_id
limit $5;

-- layers_of_schedule --
-- One event on a schedule of each layer that any is in, and the version of its row.
select distinct on (layer) oncall_event_id, oncall_event.xmin::text || oncall_event.ctid::text as version
from oncall_event_schedule join oncall_event using (oncall_event_id)
where application_id = $1 and schedule_id = $2
order by layer, oncall_event_id;

-- of_account_user --
-- The events on some schedule that somebody takes part in and that may have an occurrence that overlaps a window, and
-- the version of each one's row.
select version.oncall_event_id, version.version
from (select distinct oncall_event_id from oncall_event_attendee where account_user_id = $2) as held
cross join lateral (
    select oncall_event_id, xmin::text || ctid::text as version
    from oncall_event
    where oncall_event.oncall_event_id = held.oncall_event_id
        and application_id = $1
        and start_at < $4
        and (last_end is null or last_end > $3)
        and exists (select from oncall_event_schedule as on_it where on_it.oncall_event_id = held.oncall_event_id)
    offset 0
) as version
order by oncall_event_id;

-- insert --
-- A new event, its attendees in order, and the schedules that it is on.
with written as (
    insert into oncall_event (
        oncall_event_id, application_id, prefix_id, tiny_id, layer, time_zone, start_wall, start_fold, end_wall, end_fold,
        start_at, end_at, last_end, repeat, frequency, frequency_unit, days_of_week, repeat_end, terminated_on, rotation,
        parent_id, role, covers, meta, created_at, updated_at
    )
    values (
        $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
        $25, $26
    )
), attended as (
    insert into oncall_event_attendee (oncall_event_id, position, attendee_id, account_user_id)
    select $1, position, attendee_id, account_user_id
    from unnest($27::text[], $28::text[]) with ordinality as given (attendee_id, account_user_id, position)
), excepted as (
    insert into oncall_event_exception (oncall_event_id, start_at, exception_id)
    select $1, start_at, exception_id from unnest($29::timestamptz[], $30::text[]) as given (start_at, exception_id)
)
insert into oncall_event_schedule (schedule_id, oncall_event_id) select unnest($31::text[]), $1;

-- update --
-- What may be changed of an event itself.
update oncall_event
set layer = $3, time_zone = $4, start_wall = $5, start_fold = $6, end_wall = $7, end_fold = $8, start_at = $9,
    end_at = $10, last_end = $11, repeat = $12, frequency = $13, frequency_unit = $14, days_of_week = $15,
    repeat_end = $16, terminated_on = $17, rotation = $18, parent_id = $19, role = $20, covers = $21, meta = $22,
    updated_at = $23
where application_id = $1 and oncall_event_id = $2;

-- drop_attendees --
-- Nobody takes part.
delete from oncall_event_attendee where oncall_event_id = $1;

-- add_attendees --
-- These take part, in order.
insert into oncall_event_attendee (oncall_event_id, position, attendee_id, account_user_id)
select $1, position, attendee_id, account_user_id
from unnest($2::text[], $3::text[]) with ordinality as given (attendee_id, account_user_id, position);

-- drop_exceptions --
-- The occurrences with these starts happen after all.
delete from oncall_event_exception where oncall_event_id = $1 and start_at = any($2::timestamptz[]);

-- add_exceptions --
-- The occurrences with these starts do not happen.
insert into oncall_event_exception (oncall_event_id, start_at, exception_id)
select $1, start_at, exception_id from unnest($2::timestamptz[], $3::text[]) as given (start_at, exception_id);

-- leave_schedules --
-- The event is no longer on these schedules.
delete from oncall_event_schedule where oncall_event_id = $1 and schedule_id = any($2::text[]);

-- join_schedules --
-- The event is on these schedules too.
insert into oncall_event_schedule (schedule_id, oncall_event_id) select unnest($2::text[]), $1;

-- delete --
-- Events, and with each all below it.
delete from oncall_event where application_id = $1 and oncall_event_id = any($2::text[]);
