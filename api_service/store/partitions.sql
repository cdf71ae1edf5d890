-- exclude_others --
-- Whoever is first rebuilds the ledger, until the transaction ends; nobody waits long for a lock in it.
select pg_try_advisory_xact_lock(7305093202) and set_config('lock_timeout', $1, true) is not null;

-- stay --
-- Before this transaction's moment: a week that was put in another's place after it would seem empty.
lock table only execution in access share mode;

-- hold --
-- From here on nobody reads or writes the ledger. The parents alone: whoever is at a partition has come by its parent.
lock table only attempt, only execution in access exclusive mode;

-- hurry --
-- Since everybody waits now: each statement takes at the most so long, or nothing of all this has been.
select set_config('statement_timeout', $1, true);

-- partitions --
-- The partitions of executions but the default one, oldest first: those of attempts have the same names behind the first word.
select substr(relname, length('execution_') + 1)
from pg_inherits join pg_class on pg_class.oid = inhrelid
where inhparent = 'execution'::regclass and relname ~ '^execution_\d{4}w\d{2}(_kept)?$'
order by relname;

-- create --
-- A table that is to be a partition, still beside the ledger.
create table {table}_{name} (like {table} including defaults including constraints including indexes);

-- move_in --
-- What lies in the default partition because the week had none.
with moved as (
    delete from {table}_default where nominal >= '{begins}' and nominal < '{ends}' returning *
)
insert into {table}_{name} select * from moved;

-- attach --
-- From now on it is a part of the ledger.
alter table {table} attach partition {table}_{name} for values from ('{begins}') to ('{ends}');
