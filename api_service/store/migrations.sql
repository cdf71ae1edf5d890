-- exclude_others --
-- Wait for whoever else migrates; the lock goes with the connection.
select pg_advisory_lock(7305093201);

-- pause --
-- Wait a little before another try.
select pg_sleep(0.3);

-- wait_no_longer --
-- Whoever waits for a table keeps all others from it who come later; for so long nobody notices.
set local lock_timeout = '300ms';

-- prepare --
-- Where it is written which migrations this database has seen.
create table if not exists migration (
    number   integer primary key,
    name     text not null,
    applied  timestamptz not null
);

-- version --
-- The newest migration that this database has seen.
select coalesce(max(number), 0) from migration;

-- applied --
-- The numbers of the migrations this database has seen.
select number from migration;

-- record --
-- This migration is part of the database now.
insert into migration (number, name, applied) values ($1, $2, $3);

-- count_shards --
-- How many shards this installation has.
select count(*) from shard;

-- install_shards --
-- The shards of a new installation, for ever.
insert into shard (shard) select generate_series(0, $1::int - 1);
