-- version --
-- Where all versions leap to: the clock, and ahead of every shard even where that stands still.
select greatest($1::bigint, max(version) + 1000000) from shard;

-- events --
-- Every event is newer than any dispatcher knows it.
with risen as (
    update event set version = $1 returning 1
)
select count(*) from risen;

-- series --
-- What is reported of a series from before settles nothing now; what was rung is in the ledger all the same.
update event_state set series = $1;

-- keys --
-- Signing secrets that were given out since are forgotten by everybody.
update application set key_generation = greatest($1::bigint, key_generation + 1000);

-- applications --
-- A new application has a number that no forgotten one had: dispatchers may still hold its secrets under it.
select setval(sequence, greatest($1::bigint, nextval(sequence)))
from pg_get_serial_sequence('application', 'application_id') as sequence;

-- shards --
-- No version and no epoch is given a second time. The owner stays whoever it was then: that is nobody's goodbye.
update shard set version = $1, epoch = greatest($2::bigint, epoch + 1000);
