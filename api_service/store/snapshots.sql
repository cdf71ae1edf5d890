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

-- gather --
-- For the next statement: two scans of a shard's rows, side by side. From index to index took half as long again, or more; and the
-- planner alone would scan all events for each shard.
select set_config('enable_hashjoin', 'on', true), set_config('enable_nestloop', 'off', true),
       set_config('enable_mergejoin', 'off', true), set_config('enable_seqscan', 'off', true),
       set_config('enable_sort', 'on', true), set_config('max_parallel_workers_per_gather', '0', true);

-- timers --
-- Everything in the shard that may still ring. Moments in milliseconds, since a timestamp takes the reader ten times as long.
select event.event_id, event.application_id, event.version, event.interval, event.timezone, event.callback_url,
       event.context::text as context, event.delivery::text as delivery, subscription.roster,
       state.status = 'PAUSED' as paused, (date_part('epoch', event.end_date) * 1000)::bigint as end_date,
       (date_part('epoch', greatest(event.anchor, state.settled_through)) * 1000)::bigint as anchor
from event
    join event_state as state using (event_id)
    left join subscription on subscription.event_id = event.event_id and subscription.shard = $1
where event.shard = $1 and state.shard = $1 and state.status <> 'FINISHED';

-- walk --
-- From here on: from index to index, in order.
select set_config('enable_hashjoin', 'off', true), set_config('enable_nestloop', 'on', true),
       set_config('enable_mergejoin', 'off', true), set_config('enable_seqscan', 'on', true),
       set_config('enable_sort', 'off', true), set_config('max_parallel_workers_per_gather', '0', true);

-- last_week --
-- The last week of the ledger that anything was ever written to, and whether anything has no week. Asked once, it saves
-- looking for every timer in weeks that are made ahead.
select pg_relation_size('execution_default') > 0 as has_strays, (
    select max(substr(relname, length('execution_') + 1, length('2026w48')))
    from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = 'execution'::regclass and relname ~ '^execution_\d{4}w\d{2}(_kept)?$'
        and pg_relation_size(pg_class.oid) > 0
) as week;

-- settled --
-- What is settled out of order of these timers: beyond their anchors, and before this moment, null for ever.
select execution.event_id, nominal, last, count
from unnest($1::text[], $2::bigint[]) as timer (event_id, anchor)
    join execution on execution.event_id = timer.event_id and not manual
        and nominal > to_timestamp(timer.anchor / 1000::double precision)
        and nominal < coalesce($3::timestamptz, 'infinity');

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
