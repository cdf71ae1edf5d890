-- Retries, policies, signatures, and what receivers answered.

alter table application add column key_generation bigint not null default 1;

create table signing_secret (
    application_id  integer not null references application,
    secret          bytea not null,
    created_date    timestamptz not null,
    until           timestamptz,
    primary key (application_id, secret)
);

alter table event add column delivery json;

alter table event_state add column paused_reason text check (paused_reason in ('client', 'gone'));
update event_state set paused_reason = 'client' where status = 'PAUSED';

alter table execution
    drop constraint execution_status_check,
    add constraint execution_status_check check (status in ('PENDING', 'RETRYING', 'DELIVERED', 'FAILED', 'SKIPPED')),
    add column effective timestamptz,
    add column attempts smallint not null default 0,
    add column attempts_before smallint not null default 0,
    add column due timestamptz;
drop index execution_pending;
create index execution_unfinished on execution (event_id) where status in ('PENDING', 'RETRYING');

alter table attempt
    add column body bytea,
    add column truncated boolean not null default false,
    add column headers json;
