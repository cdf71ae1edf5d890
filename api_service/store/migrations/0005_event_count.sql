-- How many events an application has, counted as they come and go, so that a quota need not count them.

create table event_count (
    application_id  integer not null references application,
    shard           smallint not null references shard,
    events          bigint not null,
    primary key (application_id, shard)
) with (fillfactor = 50);
insert into event_count (application_id, shard, events)
select application_id, shard, count(*) from event group by application_id, shard;
