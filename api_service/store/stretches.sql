-- insert --
-- Stretches of skipped occurrences, and single ones, that take nothing from what was attempted or is asked for: they take
-- the place of a skip, and of two that begin together the longer one counts. A row is returned for each that was written.
insert into execution (event_id, nominal, manual, status, reason, last, count, recorded)
select event_id, nominal, false, 'SKIPPED', reason, last, count, $6
from unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::bigint[], $5::text[])
    as told (event_id, nominal, last, count, reason)
order by event_id, nominal
on conflict (event_id, nominal, manual) do update
set reason = excluded.reason, last = excluded.last, count = excluded.count, recorded = excluded.recorded
where execution.status = 'SKIPPED' and execution.attempts = 0
    and (execution.last, execution.count, execution.reason) < (excluded.last, excluded.count, excluded.reason)
returning event_id, nominal;

-- taken --
-- At which instants of an event's series, of these, a stretch cannot begin; the first of them.
select nominal
from execution
where event_id = $1 and not manual and nominal >= $2 and nominal <= $3
    and count = 1 and (status <> 'SKIPPED' or attempts > 0)
order by nominal
limit $4;

-- shorten --
-- Stretches that begin at these instants, as they were: of each only the first occurrence is left in its row.
with stretch as materialized (
    select event_id, nominal, manual, last, count, reason
    from execution
        join unnest($1::text[], $2::timestamptz[], $3::boolean[]) as told (event_id, nominal, manual)
            using (event_id, nominal, manual)
    where count > 1
)
update execution
set last = execution.nominal, count = 1, recorded = $4
from stretch
where execution.event_id = stretch.event_id and execution.nominal = stretch.nominal
    and execution.manual = stretch.manual
returning stretch.event_id, stretch.nominal, stretch.last, stretch.count, stretch.reason;

-- rules --
-- The different rules that these events have had, the latest first; of one that is gone there are none.
select event_id, interval, timezone, roster
from (
        select event_id, version, interval, timezone, roster from event_rule where event_id = any($1::text[])
        union all
        select event_id, event.version, interval, timezone, roster
        from event left join subscription using (event_id)
        where event_id = any($1::text[])
    ) as rule
group by event_id, interval, timezone, roster
order by event_id, max(version) desc;
