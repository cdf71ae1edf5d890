-- The ledger in partitions, a week each; what was there is the default one, without a copy.

alter table execution rename to execution_default;
alter index execution_pkey rename to execution_default_pkey;
alter index execution_unfinished rename to execution_default_event_id_idx;
create index execution_default_event_id_nominal_idx on execution_default (event_id, nominal) where status = 'FAILED';
create index execution_default_event_id_idx1 on execution_default (event_id) where count > 1;
create index execution_default_settled on execution_default (last) where status in ('DELIVERED', 'SKIPPED');

create table execution (like execution_default including defaults including constraints) partition by range (nominal);
alter table execution add primary key (event_id, nominal, manual);
create index execution_unfinished on execution (event_id) where status in ('PENDING', 'RETRYING');
create index execution_failed on execution (event_id, nominal) where status = 'FAILED';
create index execution_stretch on execution (event_id) where count > 1;
alter table execution attach partition execution_default default;

alter table attempt rename to attempt_default;
alter index attempt_pkey rename to attempt_default_pkey;

create table attempt (like attempt_default including defaults including constraints) partition by range (nominal);
alter table attempt add primary key (event_id, nominal, manual, epoch, attempt);
alter table attempt attach partition attempt_default default;
