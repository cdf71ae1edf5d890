-- mark --
-- What is older than this transaction is in whatever its later statements read.
select (pg_snapshot_xmin(pg_current_snapshot())::xid)::text;

-- keep --
-- What outlives its week, with its attempts: the unfinished, skipped stretches that end not before $1, and failures: all,
-- or where $2 says so the last of every event that still exists. With a mark ($3) only what was written since.
with failed as (
    select held.*
    from execution_{name} as held
    where status = 'FAILED'
        and (
            not $2::boolean
            or (
                exists (select from event where event.event_id = held.event_id)
                and not exists (
                    select from execution as newer
                    where newer.event_id = held.event_id and newer.status = 'FAILED' and newer.nominal > held.nominal
                )
            )
        )
        and ($3::text is null or age(held.xmin) <= age($3::text::xid))
), kept as (
    insert into execution_{name}{kept}
    select * from failed
    union all
    select * from execution_{name} as held
    where status in ('PENDING', 'RETRYING') and ($3::text is null or age(held.xmin) <= age($3::text::xid))
    union all
    select * from execution_{name} as held
    where count > 1 and status = 'SKIPPED' and last >= $1
        and ($3::text is null or age(held.xmin) <= age($3::text::xid))
    returning event_id, nominal, manual
)
insert into attempt_{name}{kept}
select made.* from attempt_{name} as made join kept using (event_id, nominal, manual);

-- walk --
-- For this transaction: what is kept is little, and found by its key.
select set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
       set_config('enable_seqscan', 'off', true);

-- forget_changed --
-- What was kept and has been written since the mark, to be kept as it is now or not at all.
with changed as (
    delete from execution_{name}{kept} as kept
    where not exists (
        select from execution_{name} as held
        where held.event_id = kept.event_id and held.nominal = kept.nominal and held.manual = kept.manual
            and age(held.xmin) > age($1::text::xid)
    )
    returning event_id, nominal, manual
)
delete from attempt_{name}{kept} as made
using changed
where made.event_id = changed.event_id and made.nominal = changed.nominal and made.manual = changed.manual;

-- detach --
-- No longer a part of the ledger.
alter table {table} detach partition {table}_{name};

-- pour --
-- What outlives its week lies in the default partition from now on.
insert into {table}_default select * from {table}_{name}{kept};

-- drop --
-- All of it at once.
drop table {table}_{name};

-- sweep_settled --
-- Of what is neither failed nor unfinished and ended before this moment, at most so many, and its attempts.
with doomed as (
    select event_id, nominal, manual
    from execution_{name}
    where status in ('DELIVERED', 'SKIPPED') and last < $1
    order by last
    limit $2
), gone as (
    delete from execution_{name} as held
    using doomed
    where held.event_id = doomed.event_id and held.nominal = doomed.nominal and held.manual = doomed.manual
        and held.status in ('DELIVERED', 'SKIPPED') and held.last < $1
    returning held.event_id, held.nominal, held.manual
), unmade as (
    delete from attempt_{name} as made
    using gone
    where made.event_id = gone.event_id and made.nominal = gone.nominal and made.manual = gone.manual
)
select count(*) from gone;

-- sweep_failed --
-- The next failures of the default partition behind ($1, $2), at most $4: where they end, and of those before $3 that are
-- not the last of an event that still exists, how many went.
with walked as (
    select event_id, nominal, manual
    from execution_default
    where status = 'FAILED' and (event_id, nominal) > ($1::text collate "C", $2::timestamptz)
    order by event_id, nominal
    limit $4
), gone as (
    delete from execution_default as held
    using walked
    where held.event_id = walked.event_id and held.nominal = walked.nominal and held.manual = walked.manual
        and held.status = 'FAILED' and held.last < $3
        and (
            not exists (select from event where event.event_id = held.event_id)
            or exists (
                select from execution as newer
                where newer.event_id = held.event_id and newer.status = 'FAILED' and newer.nominal > held.nominal
            )
        )
    returning held.event_id, held.nominal, held.manual
), unmade as (
    delete from attempt_default as made
    using gone
    where made.event_id = gone.event_id and made.nominal = gone.nominal and made.manual = gone.manual
)
select event_id, nominal, (select count(*) from gone) as gone
from walked
order by event_id desc, nominal desc
limit 1;
