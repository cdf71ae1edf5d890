-- lock_ended --
-- Those of these events whose end is not after the one that was reported, kept from changing until the transaction ends.
select event.event_id
from event join unnest($1::text[], $2::bigint[]) as reported (event_id, ended) using (event_id)
where event.end_date <= timestamptz 'epoch' + interval '1 millisecond' * reported.ended
order by event.event_id
for share of event;

-- move_states --
-- Where events stand, only ever forward; the rows are locked in the order of their ids. What a report says is settled,
-- or has ended, is of the rule that its version had; 0 is of who does not say.
with held as materialized (
    select event_id, series from event_state where event_id = any($1::text[]) order by event_id for no key update
), settled as (
    select told.event_id, timestamptz 'epoch' + interval '1 millisecond' * max(told.settled_through) as through
    from unnest($4::text[], $5::bigint[], $6::bigint[]) as told (event_id, version, settled_through)
        join held using (event_id)
    where told.version = 0 or told.version >= held.series
    group by told.event_id
)
update event_state as state
set status = case
        when fact.ended = 0 or fact.ended >= held.series then 'FINISHED'
        when fact.last_run is not null and state.status = 'INACTIVE' then 'ACTIVE'
        else state.status
    end,
    settled_through = greatest(state.settled_through, settled.through),
    last_run_date = greatest(state.last_run_date, timestamptz 'epoch' + interval '1 millisecond' * fact.last_run),
    paused_reason = case when fact.ended = 0 or fact.ended >= held.series then null else state.paused_reason end
from unnest($1::text[], $2::bigint[], $3::bigint[]) as fact (event_id, last_run, ended)
    join held using (event_id)
    left join settled using (event_id)
where state.event_id = fact.event_id;

-- insert_attempts --
-- HTTP requests that were made; one that is known already stays as it is. An incarnation of '' means nobody since.
insert into attempt (
    event_id, nominal, manual, epoch, attempt, started, duration_ms, status_code, error, dispatcher, stale, body,
    truncated, headers
)
select fact.event_id, timestamptz 'epoch' + interval '1 millisecond' * fact.nominal, fact.manual, reporter.epoch, fact.attempt, timestamptz 'epoch' + interval '1 millisecond' * fact.started, fact.duration_ms,
       fact.status_code, fact.error, reporter.dispatcher,
       coalesce(owned.epoch <> reporter.epoch or owned.incarnation not in (reporter.incarnation, ''), true),
       fact.body, fact.truncated, fact.headers::json
from unnest(
        $5::integer[], $6::text[], $7::bigint[], $8::boolean[], $9::smallint[], $10::bigint[], $11::integer[],
        $12::smallint[], $13::text[], $14::bytea[], $15::boolean[], $16::text[]
    ) as fact (
        place, event_id, nominal, manual, attempt, started, duration_ms, status_code, error, body, truncated, headers
    )
    join unnest($1::integer[], $2::text[], $3::bigint[], $4::text[]) with ordinality
        as reporter (shard, incarnation, epoch, dispatcher, place) on reporter.place = fact.place + 1
    left join shard as owned on owned.shard = reporter.shard
order by fact.event_id, fact.nominal, fact.manual, reporter.epoch, fact.attempt
on conflict do nothing;

-- insert_attempted --
-- Firings that were attempted. In whatever order they are told: delivered is final, then the higher attempt counts, then
-- FAILED before RETRYING before PENDING. Of what comes no later than a replay only a delivery counts; $9 is 1 where
-- firings were given up, which a replay may be before its first attempt. One skip gives way here, a stretch elsewhere.
insert into execution (event_id, nominal, manual, status, reason, attempts, due, effective, last, recorded)
select event_id, timestamptz 'epoch' + interval '1 millisecond' * nominal, manual, status, reason, attempts,
       timestamptz 'epoch' + interval '1 millisecond' * due, timestamptz 'epoch' + interval '1 millisecond' * effective,
       timestamptz 'epoch' + interval '1 millisecond' * nominal, $10
from unnest(
        $1::text[], $2::bigint[], $3::boolean[], $4::text[], $5::text[], $6::smallint[], $7::bigint[], $8::bigint[]
    ) as fact (event_id, nominal, manual, status, reason, attempts, due, effective)
order by event_id, nominal, manual
on conflict (event_id, nominal, manual) do update
set (status, reason, attempts, due, recorded, effective) = (
    select case when is_news then excluded.status else execution.status end,
           case when is_news then excluded.reason else execution.reason end,
           case when is_news then excluded.attempts else execution.attempts end,
           case when is_news then excluded.due else execution.due end,
           case when is_news then excluded.recorded else execution.recorded end,
           greatest(execution.effective, excluded.effective)
    from (
        select (excluded.status = 'DELIVERED' or excluded.attempts + $9::integer > execution.attempts_before)
            and (
                execution.status = 'SKIPPED'
                or (
                    excluded.status = 'DELIVERED', excluded.attempts, excluded.status = 'FAILED',
                    excluded.status = 'RETRYING', excluded.reason, coalesce(excluded.due, '-infinity')
                ) > (
                    execution.status = 'DELIVERED', execution.attempts, execution.status = 'FAILED',
                    execution.status = 'RETRYING', execution.reason, coalesce(execution.due, '-infinity')
                )
            ) as is_news
    ) as judged
)
where execution.count = 1;

-- insert_skipped --
-- Single occurrences that were not attempted. Those of a stretch are in it already.
insert into execution (event_id, nominal, manual, reason, last, status, recorded)
select event_id, nominal, manual, reason, nominal, 'SKIPPED', $5
from unnest($1::text[], $2::timestamptz[], $3::boolean[], $4::text[]) as fact (event_id, nominal, manual, reason)
order by event_id, nominal, manual
on conflict (event_id, nominal, manual) do update
set status = excluded.status, reason = excluded.reason, recorded = excluded.recorded, due = null
where execution.status = 'PENDING'
    or (execution.status = 'SKIPPED' and execution.count = 1 and execution.reason < excluded.reason);

-- end_unfinished --
-- What is unfinished of these events, where they are over, by now or for long: nobody goes on with it.
update execution
set status = case execution.status when 'PENDING' then 'SKIPPED' else 'FAILED' end, reason = over.reason, due = null,
    recorded = $2
from (
        select asked.event_id, case when state.event_id is null then 'deleted' else 'ended' end as reason
        from unnest($1::text[]) as asked (event_id) left join event_state as state using (event_id)
        where state.event_id is null or state.status = 'FINISHED'
    ) as over
where execution.event_id = over.event_id and execution.status in ('PENDING', 'RETRYING');

-- running_gone --
-- Those of these timers that still are of this version and run, with the application they belong to.
select event.event_id, event.application_id, event.version
from event
    join unnest($1::text[], $2::bigint[]) as told (event_id, version) using (event_id, version)
    join event_state as state using (event_id)
where state.status in ('INACTIVE', 'ACTIVE')
order by event.event_id;

-- release --
-- The owner has given the shard up; nothing changes where another one has it already.
update shard set incarnation = '' where shard = $1 and incarnation = $2 and epoch = $3;
