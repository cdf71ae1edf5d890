-- events --
-- Every event is newer than any dispatcher knows it.
with risen as (
    update event set version = version + $1 returning 1
)
select count(*) from risen;

-- series --
-- What is reported of a series from before settles nothing now; what was rung is in the ledger all the same.
update event_state set series = series + $1;

-- rules --
-- The history goes with its events.
update event_rule set version = version + $1;

-- keys --
-- Signing secrets that were given out since are forgotten by everybody.
update application set key_generation = key_generation + $1;

-- applications --
-- An application that is forgotten has its number to itself: dispatchers may still hold its secrets under it.
select setval(sequence, nextval(sequence) + $1)
from pg_get_serial_sequence('application', 'application_id') as sequence;

-- shards --
-- No version and no epoch is given a second time. The owner stays whoever it was then: that is nobody's goodbye.
update shard set version = version + $1, epoch = epoch + $2;
