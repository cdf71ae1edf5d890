-- claim --
-- Who owns the shard from now on. An incarnation of '' means nobody: never owned, or given up with a goodbye.
update shard
set epoch = epoch + (incarnation <> $2)::integer,
    handed_over = case when incarnation = $2 then handed_over else incarnation = '' end,
    incarnation = $2,
    owner = $3
where shard = $1
returning epoch, handed_over;

-- horizon --
-- Up to which version this transaction sees the shard's changes.
select version from shard where shard = $1;

-- walk --
-- For this transaction: from index to index, in order. The planner would scan and sort all events for each shard.
select set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
       set_config('enable_sort', 'off', true), set_config('max_parallel_workers_per_gather', '0', true);

-- timers --
-- Everything in the shard that may still ring, with what is settled out of order: beyond the anchor.
select event.event_id, event.application_id, event.version, event.interval, event.timezone, event.end_date,
       event.callback_url, event.context::text as context, event.delivery::text as delivery,
       subscription.roster, state.status = 'PAUSED' as paused, begins.anchor, done.settled, done.lasts, done.counts
from event_state as state
    join event using (event_id)
    left join subscription using (event_id)
    cross join lateral (select greatest(event.anchor, state.settled_through) as anchor) as begins
    left join lateral (
        select array_agg(nominal order by nominal) as settled, array_agg(last order by nominal) as lasts,
               array_agg(count order by nominal) as counts
        from execution
        where execution.event_id = state.event_id and not manual and nominal > begins.anchor
    ) as done on true
where state.shard = $1 and state.status <> 'FINISHED'
order by state.event_id;

-- pending --
-- Firings that are not finished, of events that may still ring.
select execution.event_id, nominal, manual, attempts, attempts_before, due
from execution join event_state as state using (event_id)
where execution.status in ('PENDING', 'RETRYING') and state.shard = $1 and state.status <> 'FINISHED'
order by nominal, execution.event_id;

-- digest --
-- What the shard's timers add up to: count, sum and exclusive-or of their versions, and how many have a roster, at one
-- moment. None that ends so late is finished.
select shard.version, totals.count, totals.versions_sum, totals.versions_xor, subscribed.rosters
from shard
    cross join (
        select count(*) as count, coalesce(sum(event.version), 0)::bigint as versions_sum,
               coalesce(bit_xor(event.version), 0) as versions_xor
        from event
        where event.shard = $1 and event.end_date > $2
    ) as totals
    cross join (
        select count(*) as rosters
        from subscription join event using (event_id)
        where subscription.shard = $1 and event.end_date > $2
    ) as subscribed
where shard.shard = $1;
