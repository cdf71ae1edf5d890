-- Who changed what: written in the transaction of the change itself, and kept for CHANGE_LOG_DAYS.
create table change_log (
    application_id   integer not null,
    happened         timestamptz not null,
    change_id        uuid not null default gen_random_uuid(),
    action           text not null check (action in (
        'created', 'changed', 'paused', 'resumed', 'deleted', 'triggered', 'replayed', 'signingSecretRotated',
        'apiKeyCreated', 'apiKeyRevoked'
    )),
    key_id           text collate "C",
    request_id       text,
    event_id         text collate "C",
    affected_key_id  text collate "C",
    fields           json not null,
    primary key (application_id, happened, change_id)
) with (autovacuum_vacuum_insert_scale_factor = 0.02);
create index change_log_event on change_log (application_id, event_id, happened, change_id);
create index change_log_action on change_log (application_id, action, happened, change_id);
create index change_log_age on change_log (happened);
