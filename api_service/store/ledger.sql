-- count_executions --
-- How many of an event's executions match.
select count(*)
from execution
where event_id = $1 and nominal >= coalesce($2, '-infinity'::timestamptz) and nominal < coalesce($3, 'infinity'::timestamptz)
    and ($4::text[] is null or status = any($4)) and ($5::boolean is null or manual = $5);

-- executions --
-- The newest of an event's executions that match, before this one: the primary key, read backwards.
select event_id, nominal, manual, status, reason, last, count, recorded, effective, attempts, due
from execution
where event_id = $1 and nominal >= coalesce($2, '-infinity'::timestamptz) and nominal < coalesce($3, 'infinity'::timestamptz)
    and ($4::text[] is null or status = any($4)) and ($5::boolean is null or manual = $5)
    and (nominal, manual) < (coalesce($6, 'infinity'::timestamptz), coalesce($7, true))
order by nominal desc, manual desc
limit $8;

-- execution --
-- One execution of an event.
select event_id, nominal, manual, status, reason, last, count, recorded, effective, attempts, due
from execution
where event_id = $1 and nominal = $2 and manual = $3;

-- attempts --
-- The attempts of these executions of one event, in the order of their making, with what was answered if that is wanted.
select nominal, manual, epoch, attempt, started, duration_ms, status_code, error, dispatcher, stale,
       case when $4 then body end as body, truncated, headers
from attempt join unnest($2::timestamptz[], $3::boolean[]) as wanted (nominal, manual) using (nominal, manual)
where event_id = $1
order by epoch, attempt;

-- hold --
-- The same as `execution`, and kept as it is until the transaction ends.
select event_id, nominal, manual, status, reason, last, count, recorded, effective, attempts, due
from execution
where event_id = $1 and nominal = $2 and manual = $3
for no key update;

-- replay --
-- A firing is to be attempted again, now; what was reported of it before is old news.
update execution
set status = 'PENDING', reason = '', attempts_before = attempts, due = $4, recorded = $4
where event_id = $1 and nominal = $2 and manual = $3;

-- replay_failed --
-- The same for the oldest ones that have failed; the rows are locked in the order in which the recorder locks them.
with failed as (
    select nominal, manual
    from execution
    where event_id = $1 and status = 'FAILED' and nominal >= $2 and nominal < $3 and attempts <= $6
    order by nominal, manual
    limit $4
    for no key update
), replayed as (
    update execution
    set status = 'PENDING', reason = '', attempts_before = attempts, due = $5, recorded = $5
    from failed
    where execution.event_id = $1 and execution.nominal = failed.nominal and execution.manual = failed.manual
    returning execution.nominal, execution.manual, execution.attempts
)
select nominal, manual, attempts from replayed order by nominal, manual;

-- count_failed --
-- How many of an event's executions have failed and can be replayed.
select count(*)
from execution
where event_id = $1 and status = 'FAILED' and nominal >= $2 and nominal < $3 and attempts <= $4;

-- add_pending --
-- A firing by hand that nobody has attempted yet; no row where its instant is taken.
insert into execution (event_id, nominal, manual, status, last, recorded, due)
values ($1, $2, true, 'PENDING', $2, $2, $2)
on conflict do nothing
returning true;

-- end_unfinished --
-- What is unfinished of one event, and will remain so: never attempted it is skipped, attempted it has failed.
update execution
set status = case status when 'PENDING' then 'SKIPPED' else 'FAILED' end, reason = $2, due = null, recorded = $3
where event_id = $1 and status in ('PENDING', 'RETRYING');
