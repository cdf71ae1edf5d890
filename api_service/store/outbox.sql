-- next_version --
-- The shard's next version. Its row stays locked until the transaction ends, so versions are in commit order.
update shard set version = version + 1 where shard = $1 returning version;

-- next_versions --
-- The next version of each of these shards, of which so many more are taken with it. The rows are locked in the order of
-- their numbers, and stay so until the transaction ends: versions are in commit order.
with held as materialized (
    select shard, taken
    from shard join unnest($1::smallint[], $2::integer[]) as wanted (shard, taken) using (shard)
    order by shard
    for no key update of shard
)
update shard set version = version + taken
from held
where shard.shard = held.shard
returning shard.shard, version - taken + 1 as following;

-- put_each --
-- Changes that are published once this transaction is committed.
insert into outbox (shard, version, what)
select shard, version, decode(what, 'base64')
from json_to_recordset(convert_from($1, 'UTF8')::json) as change (shard smallint, version bigint, what text);

-- put_all --
-- Changes of one shard, in this order, as its next versions.
with raised as (
    update shard set version = version + cardinality($2::bytea[]) where shard = $1 returning version
)
insert into outbox (shard, version, what)
select $1, raised.version - cardinality($2::bytea[]) + place, what
from raised, unnest($2::bytea[]) with ordinality as change (what, place)
order by place;

-- put_everywhere --
-- The same change for every shard, as its next version. The rows are locked in the order of their numbers.
with held as materialized (
    select shard from shard order by shard for no key update
), raised as (
    update shard set version = version + 1 from held where shard.shard = held.shard returning shard.shard, version
)
insert into outbox (shard, version, what) select shard, version, $1 from raised order by shard;

-- take --
-- The oldest changes, kept from other relays until this transaction ends.
select id, shard, version, what from outbox order by id limit $1 for update skip locked;

-- delete --
-- Changes that are published.
delete from outbox where id = any($1::bigint[]);

-- backlog --
-- How long the oldest change has waited, and how many wait: counted while they are few, above that reckoned from their
-- numbers. The few are counted by the index: the table itself may be large and empty.
with few as (
    select count(*) as changes from (select id from outbox order by id limit $1) as oldest
)
select
    coalesce((
        select extract(epoch from clock_timestamp() - written)::float8 from outbox order by id limit 1
    ), 0) as age_seconds,
    case when changes < $1 then changes else (select max(id) - min(id) + 1 from outbox) end as changes
from few;

-- waiting --
-- How many changes are not yet published.
select count(*) from outbox;
