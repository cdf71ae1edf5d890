-- On-call events, schedules, the people on them, and the subscriptions to their transitions.

-- A row an application: whoever changes its account users, schedules or on-call events holds it until the commit,
-- so such changes come one after the other. Each number is the last tiny_id that was given.
create table oncall_application (
    application_id      integer primary key references application,
    account_user_tiny   integer not null default 0,
    schedule_tiny       integer not null default 0,
    oncall_event_tiny   integer not null default 0
);

-- Who may be on call.
create table account_user (
    account_user_id  text collate "C" primary key,
    application_id   integer not null references application,
    prefix_id        text collate "C" not null unique,
    tiny_id          integer not null,
    name             text not null,
    email            text not null,
    time_zone        text not null,  -- as it is shown: a listed name, or IANA's
    meta             json not null,
    created_at       timestamptz not null,
    updated_at       timestamptz not null,
    unique (application_id, tiny_id)
);

create table schedule (
    schedule_id     text collate "C" primary key,
    application_id  integer not null references application,
    prefix_id       text collate "C" not null unique,
    tiny_id         integer not null,
    name            text not null,
    time_zone       text not null,
    meta            json not null,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    unique (application_id, tiny_id)
);

-- An on-call event: the first occurrence on the wall of its zone, and how it repeats. What is left of an occurrence that was
-- overridden is an event too (role 'remainder'), beside the override, and both are children of what was overridden.
create table oncall_event (
    oncall_event_id  text collate "C" primary key,
    application_id   integer not null references application,
    prefix_id        text collate "C" not null unique,
    tiny_id          integer not null,
    layer            integer not null check (layer >= 1),
    time_zone        text not null,
    start_wall       timestamp not null,
    start_fold       boolean not null default false,  -- the second of two passes of a wall-clock time
    end_wall         timestamp not null,
    end_fold         boolean not null default false,
    start_at         timestamptz not null,  -- of the first occurrence: what lists filter and sort by
    end_at           timestamptz not null,
    last_end         timestamptz,           -- when the last occurrence ends; null where there is no last one
    repeat           boolean not null,
    frequency        integer,
    frequency_unit   text check (frequency_unit in ('hourly', 'daily', 'weekly', 'monthly', 'yearly')),
    days_of_week     smallint[] not null default '{}',
    repeat_end       date,
    terminated_on    timestamptz,
    rotation         boolean not null,
    parent_id        text collate "C" references oncall_event on delete cascade,
    role             text check (role in ('override', 'remainder')),
    covers           timestamptz[] not null default '{}',  -- starts of the parent's occurrences that it stands for
    meta             json not null,
    created_at       timestamptz not null,
    updated_at       timestamptz not null,
    unique (application_id, tiny_id)
);
create index oncall_event_children on oncall_event (parent_id) where parent_id is not null;

create table oncall_event_schedule (
    schedule_id      text collate "C" not null references schedule on delete cascade,
    oncall_event_id  text collate "C" not null references oncall_event on delete cascade,
    primary key (schedule_id, oncall_event_id)
);
create index oncall_event_schedules on oncall_event_schedule (oncall_event_id, schedule_id);

-- In order of position, from 1; a rotation goes by it.
create table oncall_event_attendee (
    oncall_event_id  text collate "C" not null references oncall_event on delete cascade,
    position         integer not null,
    attendee_id      text collate "C" not null unique,  -- of the row
    account_user_id  text collate "C" not null references account_user,
    primary key (oncall_event_id, position)
);
create index oncall_event_attendees on oncall_event_attendee (account_user_id);

-- Occurrences that do not happen, by their start.
create table oncall_event_exception (
    oncall_event_id  text collate "C" not null references oncall_event on delete cascade,
    start_at         timestamptz not null,
    exception_id     text collate "C" not null unique,
    primary key (oncall_event_id, start_at)
);

-- What opens a calendar feed: random enough (256 bits) that a plain SHA-256 hides it. Revoking deletes it.
create table feed_token (
    token_hash       bytea primary key,
    feed_token_id    text collate "C" not null unique,
    application_id   integer not null references application,
    schedule_id      text collate "C" references schedule on delete cascade,
    account_user_id  text collate "C" references account_user on delete cascade,
    created_at       timestamptz not null,
    check (num_nonnulls(schedule_id, account_user_id) = 1)
);
create index feed_token_schedule on feed_token (schedule_id) where schedule_id is not null;
create index feed_token_account_user on feed_token (account_user_id) where account_user_id is not null;

-- What a calendar feed has shown last: on-call events as they were then. What is gone since is kept for a while, so that
-- calendar programs are told which shifts are cancelled; it is noticed when the feed is read.
create table feed_shown (
    schedule_id      text collate "C" references schedule on delete cascade,
    account_user_id  text collate "C" references account_user on delete cascade,
    digest           bytea not null,  -- of the form
    form             bytea not null,
    gone_at          timestamptz,     -- when it was noticed; null while it is so
    check (num_nonnulls(schedule_id, account_user_id) = 1)
);
create unique index feed_shown_schedule on feed_shown (schedule_id, digest) where schedule_id is not null;
create unique index feed_shown_account_user on feed_shown (account_user_id, digest) where account_user_id is not null;

-- A subscription is an event whose instants are the transitions of a schedule's roster instead of a cron rule's; its
-- interval is for releases that read no rosters. Beside the event, whose row such releases read as it was.
create table subscription (
    event_id        text collate "C" primary key references event on delete cascade,
    application_id  integer not null,
    shard           smallint not null,
    schedule_id     text collate "C" not null references schedule,
    roster          bytea not null  -- an encoded shared.domain.roster.Roster
);
create index subscription_schedule on subscription (schedule_id, event_id);
create index subscription_application on subscription (application_id, event_id);
create index subscription_shard on subscription (shard, event_id);
alter table event_rule add column roster bytea;

-- Whoever changes any of this, it is noted as other changes are, and kept as long; apart from those, which a release that
-- knows none of these words reads.
create table oncall_change_log (
    application_id  integer not null,
    happened        timestamptz not null,
    change_id       uuid not null default gen_random_uuid(),
    action          text not null check (action in (
        'accountUserCreated', 'accountUserChanged', 'accountUserDeleted', 'scheduleCreated', 'scheduleChanged',
        'scheduleFlushed', 'scheduleDeleted', 'oncallEventCreated', 'oncallEventChanged', 'oncallEventOverridden',
        'oncallEventExcepted', 'oncallEventTerminated', 'oncallEventRestored', 'oncallEventDeleted',
        'feedTokenCreated', 'feedTokenRevoked'
    )),
    key_id          text collate "C",
    request_id      text,
    object_id       text collate "C" not null,  -- the account user, schedule, on-call event or feed token
    fields          json not null,
    primary key (application_id, happened, change_id)
) with (autovacuum_vacuum_insert_scale_factor = 0.02);
create index oncall_change_log_object on oncall_change_log (application_id, object_id, happened, change_id);
create index oncall_change_log_action on oncall_change_log (application_id, action, happened, change_id);
create index oncall_change_log_age on oncall_change_log (happened);
