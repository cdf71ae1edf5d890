-- lock_ended --
-- Those of these events whose end is not after the one that was reported, kept from changing until the transaction ends.
select event.event_id
from event join unnest($1::text[], $2::timestamptz[]) as reported (event_id, ended) using (event_id)
where event.end_date <= reported.ended
order by event.event_id
for share of event;

-- move_states --
-- Where events stand, only ever forward; the rows are locked in the order of their ids.
with held as materialized (
    select event_id from event_state where event_id = any($1::text[]) order by event_id for no key update
)
update event_state as state
set status = case
        when fact.ended then 'FINISHED'
        when fact.last_run is not null and state.status = 'INACTIVE' then 'ACTIVE'
        else state.status
    end,
    settled_through = greatest(state.settled_through, fact.settled_through),
    last_run_date = greatest(state.last_run_date, fact.last_run)
from unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::boolean[])
        as fact (event_id, settled_through, last_run, ended)
    join held using (event_id)
where state.event_id = fact.event_id;

-- insert_attempts --
-- HTTP requests that were made; one that is known already stays as it is. An incarnation of '' means nobody since.
insert into attempt (
    event_id, nominal, manual, epoch, attempt, started, duration_ms, status_code, error, dispatcher, stale
)
select fact.event_id, fact.nominal, fact.manual, fact.epoch, fact.attempt, fact.started, fact.duration_ms,
       fact.status_code, fact.error, $12,
       coalesce(owned.epoch <> fact.epoch or owned.incarnation not in (fact.incarnation, ''), true)
from unnest(
        $1::text[], $2::timestamptz[], $3::boolean[], $4::bigint[], $5::smallint[], $6::timestamptz[], $7::integer[],
        $8::smallint[], $9::text[], $10::integer[], $11::text[]
    ) as fact (
        event_id, nominal, manual, epoch, attempt, started, duration_ms, status_code, error, shard, incarnation
    )
    left join shard as owned on owned.shard = fact.shard
order by fact.event_id, fact.nominal, fact.manual, fact.epoch, fact.attempt
on conflict do nothing;

-- insert_attempted --
-- Firings that were attempted. Delivered is final, otherwise the latest attempt counts; an attempt beats a skip, but a
-- whole skipped stretch keeps its row.
insert into execution (event_id, nominal, manual, status, reason, attempts, due, effective, last, recorded)
select event_id, nominal, manual, status, reason, attempts, due, effective, nominal, $9
from unnest(
        $1::text[], $2::timestamptz[], $3::boolean[], $4::text[], $5::text[], $6::smallint[], $7::timestamptz[],
        $8::timestamptz[]
    ) as fact (event_id, nominal, manual, status, reason, attempts, due, effective)
order by event_id, nominal, manual
on conflict (event_id, nominal, manual) do update
set status = excluded.status, reason = excluded.reason, attempts = excluded.attempts, due = excluded.due,
    effective = excluded.effective, recorded = excluded.recorded
where execution.status = 'PENDING'
    or (execution.status = 'SKIPPED' and execution.count = 1)
    or (
        execution.status in ('FAILED', 'RETRYING')
        and (
            excluded.status = 'DELIVERED'
            or (excluded.attempts, excluded.status = 'FAILED') > (execution.attempts, execution.status = 'FAILED')
        )
    );

-- insert_skipped --
-- Occurrences that were not attempted. Of two stretches that begin together the longer one is kept.
insert into execution (event_id, nominal, manual, last, count, reason, status, recorded)
select event_id, nominal, manual, last, count, reason, 'SKIPPED', $7
from unnest($1::text[], $2::timestamptz[], $3::boolean[], $4::timestamptz[], $5::bigint[], $6::text[])
    as fact (event_id, nominal, manual, last, count, reason)
order by event_id, nominal, manual
on conflict (event_id, nominal, manual) do update
set status = excluded.status, reason = excluded.reason, last = excluded.last, count = excluded.count,
    recorded = excluded.recorded
where execution.status = 'PENDING' or (execution.status = 'SKIPPED' and execution.last < excluded.last);

-- end_pending --
-- What nobody finished before its event ended: never attempted it is skipped, attempted it has failed.
update execution
set status = case status when 'PENDING' then 'SKIPPED' else 'FAILED' end, reason = 'ended', due = null, recorded = $2
where event_id = any($1::text[]) and status in ('PENDING', 'RETRYING');

-- release --
-- The owner has given the shard up; nothing changes where another one has it already.
update shard set incarnation = '' where shard = $1 and incarnation = $2 and epoch = $3;
