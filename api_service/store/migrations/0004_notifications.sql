-- What owners of events are told by mail.

alter table event_state
    add column failing_since timestamptz,
    add column recovered_at timestamptz;

create table notification (
    id              bigint generated always as identity primary key,
    event_id        text collate "C" not null,
    application_id  integer not null,
    event_owner     text not null,
    kind            text not null check (kind in ('failing', 'recovered', 'paused')),
    facts           json not null,
    happened        timestamptz not null,
    tries           smallint not null default 0,
    not_before      timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
create index notification_due on notification (not_before);
create index notification_owner on notification (event_owner, not_before);
