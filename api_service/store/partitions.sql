-- exclude_others --
-- Whoever is first rebuilds the ledger, until the transaction ends; nobody waits long for a lock in it.
select pg_try_advisory_xact_lock(7305093202) and set_config('lock_timeout', '3s', true) is not null;

-- exists --
-- Is there such a table?
select to_regclass($1) is not null;

-- create --
-- A table that is to be a partition, still beside the ledger.
create table {table}_{week} (like {table} including defaults including constraints including indexes);

-- hold_defaults --
-- What is in the default partitions stays as it is from here on, and nothing comes to it.
lock table attempt_default, execution_default in access exclusive mode;

-- move_in --
-- What lies in the default partition because the week had none.
with moved as (
    delete from {table}_default where nominal >= '{begins}' and nominal < '{ends}' returning *
)
insert into {table}_{week} select * from moved;

-- attach --
-- From now on the week is a part of the ledger.
alter table {table} attach partition {table}_{week} for values from ('{begins}') to ('{ends}');
