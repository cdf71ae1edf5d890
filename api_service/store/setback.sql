-- version --
-- Where all versions leap to: the clock, and ahead of every shard even where that stands still.
select greatest($1::bigint, max(version) + 1000000) from shard;

-- events --
-- Every event is newer than any dispatcher knows it. The rows are locked in the order of their ids.
with held as materialized (
    select event_id from event order by event_id for no key update
), risen as (
    update event set version = $1 from held where event.event_id = held.event_id returning 1
)
select count(*) from risen;

-- series --
-- What is reported of a series from before settles nothing now; what was rung is in the ledger all the same.
with held as materialized (
    select event_id from event_state order by event_id for no key update
)
update event_state set series = $1 from held where event_state.event_id = held.event_id;

-- keys --
-- Signing secrets that were given out since are forgotten by everybody.
update application set key_generation = greatest($1::bigint, key_generation + 1000);

-- applications --
-- A new application has a number that no forgotten one had: dispatchers may still hold its secrets under it.
select setval(sequence, greatest($1::bigint, nextval(sequence)))
from pg_get_serial_sequence('application', 'application_id') as sequence;

-- shards --
-- No version and no epoch is given a second time. The owner stays whoever it was then: that is nobody's goodbye.
with held as materialized (
    select shard from shard order by shard for no key update
)
update shard set version = $1, epoch = greatest($2::bigint, epoch + 1000) from held where shard.shard = held.shard;
