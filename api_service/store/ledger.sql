-- count_executions --
-- How many executions an event has.
select count(*) from execution where event_id = $1;

-- executions --
-- A page of an event's executions, newest first: the primary key, read backwards.
select event_id, nominal, manual, status, reason, last, count, recorded
from execution
where event_id = $1
order by nominal desc, manual desc
limit $2 offset $3;

-- attempts --
-- The attempts of these executions of one event, in the order of their making.
select nominal, manual, epoch, attempt, started, duration_ms, status_code, error, dispatcher, stale
from attempt join unnest($2::timestamptz[], $3::boolean[]) as wanted (nominal, manual) using (nominal, manual)
where event_id = $1
order by epoch, attempt;

-- add_pending --
-- A firing by hand that nobody has attempted yet; no row where its instant is taken.
insert into execution (event_id, nominal, manual, status, last, recorded)
values ($1, $2, true, 'PENDING', $2, $2)
on conflict do nothing
returning true;

-- add_skipped --
-- A stretch of occurrences that nobody attempts.
insert into execution (event_id, nominal, manual, status, reason, last, count, recorded)
values ($1, $2, false, 'SKIPPED', $5, $3, $4, $6)
on conflict do nothing;

-- end_unfinished --
-- What is unfinished of one event, and will remain so: never attempted it is skipped, attempted it has failed.
update execution
set status = case status when 'PENDING' then 'SKIPPED' else 'FAILED' end, reason = $2, due = null, recorded = $3
where event_id = $1 and status in ('PENDING', 'RETRYING');
