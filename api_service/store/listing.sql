-- subscriptions --
-- What of an application subscribes to a schedule: few, and no listing of events has them.
select event_id from subscription where application_id = $1;

-- standing --
-- How many of some events have one of these statuses.
select count(*) from event_state where event_id = any($1::text[]) and status = any($2::text[]);

-- all --
-- Every event of an application but for these: how many there are, and a page of them, newest first.
select
    (select count(*) from event where application_id = $1) - cardinality($4::text[]) as total,
    array(
        select event_id from event where application_id = $1 and event_id <> all($4::text[])
        order by event_id desc limit $2 offset $3
    ) as event_ids;

-- one_filter --
-- The events with any of some terms or statuses, of which an event has at most one: so the number of them is a sum, and
-- a page of them lies within as many of the newest of each. Some that match are not meant, and there are $7 of those.
with wanted as materialized (
    select term, status from unnest($2::uuid[], $3::text[]) as wanted (term, status)
)
select
    (
        select coalesce(sum(counted.matches), 0)::bigint - $7::bigint
        from wanted cross join lateral (
            select count(*) as matches from event_term
            where application_id = $1 and event_term.term = wanted.term
            union all
            select count(*) from event_state
            where application_id = $1 and event_state.status = wanted.status
        ) as counted
    ) as total,
    array(
        select newest.event_id
        from wanted cross join lateral (
            (
                select event_id from event_term
                where application_id = $1 and event_term.term = wanted.term
                order by event_id desc limit $4::bigint + $5::bigint
            )
            union all
            (
                select event_id from event_state
                where application_id = $1 and event_state.status = wanted.status and event_id <> all($6::text[])
                order by event_id desc limit $4::bigint + $5::bigint
            )
        ) as newest
        order by newest.event_id desc limit $4 offset $5
    ) as event_ids;

-- sizes --
-- How many events each filter lets pass, counted up to a limit; the filter that lets the fewest pass first.
select wanted.filter, sum(counted.matches)::bigint as matches
from unnest($2::int[], $3::uuid[], $4::text[]) as wanted (filter, term, status) cross join lateral (
    select count(*) as matches from (
        select from event_term
        where application_id = $1 and event_term.term = wanted.term
        limit $5
    ) as probed
    union all
    select count(*) from (
        select from event_state
        where application_id = $1 and event_state.status = wanted.status
        limit $5
    ) as probed
) as counted
group by wanted.filter
order by matches;

-- few --
-- The events that pass filters 0, 1, 2 and so on, where the first lets few pass: each of the others is asked only about
-- those that are left. `is not null` keeps the wrong table from being asked at all: sorting what is left is dear.
with recursive wanted as materialized (
    select filter, term, status from unnest($2::int[], $3::uuid[], $4::text[]) as wanted (filter, term, status)
),
narrowed (filter, event_ids) as (
    select 0, array(
        select passed.event_id
        from wanted cross join lateral (
            select event_id from event_term
            where application_id = $1 and event_term.term = wanted.term
            union all
            select event_id from event_state
            where application_id = $1 and event_state.status = wanted.status
        ) as passed
        where wanted.filter = 0
    )
    union all
    select narrowed.filter + 1, array(
        select passed.event_id
        from wanted cross join lateral (
            select event_id from event_term
            where wanted.term is not null
                and application_id = $1 and event_term.term = wanted.term and event_id = any(narrowed.event_ids)
            union all
            select event_id from event_state
            where wanted.status is not null
                and application_id = $1 and event_state.status = wanted.status and event_id = any(narrowed.event_ids)
        ) as passed
        where wanted.filter = narrowed.filter + 1
    )
    from narrowed
    where narrowed.filter < (select max(filter) from wanted)
)
select
    cardinality(narrowed.event_ids)::bigint as total,
    array(
        select event_id from unnest(narrowed.event_ids) as passed (event_id)
        order by event_id collate "C" desc limit $5 offset $6
    ) as event_ids
from narrowed
where narrowed.filter = (select max(filter) from wanted);

-- merge_only --
-- Join by merging the indexes, which are in order, whatever the statistics say.
set local enable_hashjoin = off;
set local enable_nestloop = off;
set local enable_seqscan = off;
set local enable_sort = off;
set local max_parallel_workers_per_gather = 0;

-- as_usual --
-- The planner decides again.
set local enable_hashjoin to default;
set local enable_nestloop to default;
set local enable_seqscan to default;
set local enable_sort to default;
set local max_parallel_workers_per_gather to default;

-- many --
-- The events that pass several filters, where each lets many pass; written with as many filters as there are. The page
-- is merged from the newest down, and ends when it is full.
with counted as materialized (select count(*) as total from {filters_upward})
select
    total,
    case
        when total > $3 then array(
            select event_id from {filters_downward} order by event_id desc limit $2 offset $3
        )
        else array[]::text[]
    end as event_ids
from counted;

-- of_term --
-- One fact of a filter of `many`. Where a filter has several, each must say its order for the planner to merge them;
-- where it has one, the planner sees the order by itself, and a better plan.
(select event_id from event_term where application_id = $1 and term = {fact}::uuid {order})

-- of_status --
-- The same for a status.
(select event_id from event_state where application_id = $1 and status = {fact}::text {order})
