-- The schema as a whole, as all migrations leave it; a test holds the two equal.
-- Moments are timestamptz, identifiers of events are ULIDs as text in byte order, so that newest first is an index's order.

create table application (
    application_id  integer generated always as identity primary key,
    app_name        text not null unique,
    created_date    timestamptz not null,
    key_generation  bigint not null default 1  -- rises when the signing secrets change
);

-- What callbacks are signed with; as it is, since an HMAC needs it. Several sign while a rotation overlaps.
create table signing_secret (
    application_id  integer not null references application,
    secret          bytea not null,
    created_date    timestamptz not null,
    until           timestamptz,  -- signs no more from then on
    primary key (application_id, secret)
);

-- A name for what has none of its own: a ULID, 48 bits of milliseconds and 80 random bits.
create function fresh_ulid() returns text language sql volatile as $$
    with id as (
        select B'00'
            || floor(extract(epoch from clock_timestamp()) * 1000)::bigint::bit(48)
            || ('x' || substr(replace(gen_random_uuid()::text, '-', ''), 13))::bit(80) as bits
    )
    select string_agg(substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substring(bits from place for 5)::int + 1, 1), ''
        order by place)
    from id cross join generate_series(1, 126, 5) as place
$$;

-- Keys are random enough (256 bits) that a plain SHA-256 hides them.
create table api_key (
    key_hash        bytea primary key,
    application_id  integer not null references application,
    created_date    timestamptz not null,
    key_id          text collate "C" not null default fresh_ulid(),  -- what it is called; it opens nothing
    expires_date    timestamptz                                      -- opens nothing from then on
);
create unique index api_key_names on api_key (application_id, key_id);
create index api_key_ends on api_key (expires_date) where expires_date is not null;

-- One row a shard, all written at installation. Every write to a timer takes the next version here, inside its own
-- transaction, so versions are in commit order; the epoch rises when the owner's incarnation changes.
create table shard (
    shard        smallint primary key,
    version      bigint not null default 0,
    epoch        bigint not null default 0,
    incarnation  text not null default '',       -- of the owner; '' is nobody: never owned, or given up with a goodbye
    owner        text not null default '',
    handed_over  boolean not null default true   -- the owner of this epoch took it from nobody
) with (fillfactor = 20);  -- room for a row's next version on its own page

-- On-call. A row an application: whoever changes its account users, schedules or on-call events holds it until the commit,
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

-- What clients write; wide, and indexed for listing. Counting reads indexes alone where vacuum has been, so it comes often.
create table event (
    event_id        text collate "C" primary key,
    application_id  integer not null references application,
    shard           smallint not null references shard,
    version         bigint not null,
    event_owner     text not null,
    interval        text not null,
    timezone        text not null,
    start_date      timestamptz,
    end_date        timestamptz not null,
    callback_url    text not null,
    context         json not null,   -- json, not jsonb: the text is what was sent
    tags            text[] not null,
    created_date    timestamptz not null,
    updated_date    timestamptz not null,
    anchor          timestamptz not null,  -- occurrences count strictly after it
    delivery        json   -- the fields of shared.domain.delivery.Delivery in order; null is the default
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);
create index event_newest on event (application_id, event_id desc);
-- What a shard adds up to is asked every minute, of every shard: answered from this index alone.
create index event_digest on event (shard, end_date) include (version);

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

-- How many events of an application are in each shard, written with each event that comes or goes. Whoever writes a row
-- holds the shard, so nobody waits for a row of its own, and no row is everybody's.
create table event_count (
    application_id  integer not null references application,
    shard           smallint not null references shard,
    events          bigint not null,
    primary key (application_id, shard)
) with (fillfactor = 50);

-- What rings change; narrow, so that an outcome costs little. Last and next run are not indexed: updates stay in the page.
create table event_state (
    event_id         text collate "C" primary key references event on delete cascade,
    application_id   integer not null,
    shard            smallint not null,
    status           text not null check (status in ('INACTIVE', 'ACTIVE', 'PAUSED', 'FINISHED')),
    settled_through  timestamptz,  -- every occurrence up to it is settled, or unfinished in the ledger
    last_run_date    timestamptz,
    paused_reason    text check (paused_reason in ('client', 'gone')),
    failing_since    timestamptz,  -- since when nothing is delivered; written where owners are told, as is recovered_at
    recovered_at     timestamptz,  -- when it last ceased to fail; a result from before its latest turn is old news
    series           bigint not null default 0  -- the version that began the series; a report from before settles nothing
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.02);
create index event_state_status on event_state (application_id, status, event_id);
create index event_state_live on event_state (shard, event_id) where status <> 'FINISHED';

-- Everything a listing can filter by, one row a fact: an owner, a tag, a value at a path of the context. `term` is a
-- hash of the fact. Counting and walking newest first are both plain scans of this one index, however rare the term.
create table event_term (
    application_id  integer not null,
    term            uuid not null,
    event_id        text collate "C" not null,
    primary key (application_id, term, event_id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);

-- Which rule was in force when: a row for each change of what an event's instants depend on, valid until the next one is.
create table event_rule (
    event_id    text collate "C" not null references event on delete cascade,
    version     bigint not null,       -- the event's, when it was changed
    valid_from  timestamptz not null,  -- never before that of the version before it
    interval    text not null,
    timezone    text not null,
    end_date    timestamptz not null,
    anchor      timestamptz not null,
    paused      boolean not null,
    roster      bytea,
    primary key (event_id, version)
);

-- Changes that are committed and not yet published; the relay empties it.
create table outbox (
    id       bigint generated always as identity primary key,
    shard    smallint not null,
    version  bigint not null,
    what     bytea not null,
    written  timestamptz not null default now()  -- by Postgres' own clock, which also says how long ago that is
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);  -- short, and gone through all the time

-- The ledger: every firing, or stretch of skipped ones, ends here with a reason. It is partitioned by week, and so are its
-- attempts: partitions.sql makes execution_2026w48 and attempt_2026w48; retention.sql puts the smaller execution_2026w48_kept
-- and its attempts in their place, and drops those. The default partitions hold what has no week, and what outlives its own.
create table execution (
    event_id     text collate "C" not null,
    nominal      timestamptz not null,
    manual       boolean not null,
    status       text not null,
    reason       text not null default '',
    last         timestamptz not null,         -- the last occurrence of a skipped stretch; otherwise the nominal instant
    count        bigint not null default 1,    -- how many occurrences the row stands for
    recorded     timestamptz not null,
    effective    timestamptz,                  -- when it was due, spread included; null is the nominal instant
    attempts     smallint not null default 0,
    attempts_before smallint not null default 0,  -- made before it was last asked for by hand
    due          timestamptz,                  -- of the next attempt, while PENDING or RETRYING
    primary key (event_id, nominal, manual),
    constraint execution_status_check check (status in ('PENDING', 'RETRYING', 'DELIVERED', 'FAILED', 'SKIPPED'))
) partition by range (nominal);
create table execution_default partition of execution default;
create index execution_unfinished on execution (event_id) where status in ('PENDING', 'RETRYING');
create index execution_failed on execution (event_id, nominal) where status = 'FAILED';
create index execution_stretch on execution (event_id) where count > 1;
create index execution_default_settled on execution_default (last) where status in ('DELIVERED', 'SKIPPED');

-- Every HTTP request that was made for a firing. A firing rung by two owners shows here with both their epochs.
create table attempt (
    event_id     text collate "C" not null,
    nominal      timestamptz not null,
    manual       boolean not null,
    epoch        bigint not null,
    attempt      smallint not null,
    started      timestamptz not null,
    duration_ms  integer not null,
    status_code  smallint not null,
    error        text not null,
    dispatcher   text not null,
    stale        boolean not null,  -- reported after the shard had gone to another owner
    body         bytea,             -- the beginning of the answer; null where none came
    truncated    boolean not null default false,
    headers      json,              -- of the answer, a few that help; null where none came
    primary key (event_id, nominal, manual, epoch, attempt)
) partition by range (nominal);
create table attempt_default partition of attempt default;

-- What owners are still to be told by mail; the mailer empties it. Rows outlive their events.
create table notification (
    id              bigint generated always as identity primary key,
    event_id        text collate "C" not null,
    application_id  integer not null,
    event_owner     text not null,
    kind            text not null check (kind in ('failing', 'recovered', 'paused')),
    facts           json not null,               -- the fields of api_service.store.notifications.Facts
    happened        timestamptz not null,
    tries           smallint not null default 0,
    not_before      timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);  -- as short as the outbox
create index notification_due on notification (not_before);
create index notification_owner on notification (event_owner, not_before);

-- Answers to creations that carried an Idempotency-Key, for a day.
create table idempotency_key (
    application_id  integer not null references application,
    key             text not null,
    request_hash    bytea not null,
    event_id        text collate "C" not null,
    answer          text not null,
    created_date    timestamptz not null,
    primary key (application_id, key)
);
create index idempotency_key_age on idempotency_key (created_date);

-- Who changed what: written in the transaction of the change itself, and kept for CHANGE_LOG_DAYS. Rows outlive their
-- events and keys. The random part of the key makes it say nothing of how many changes others make.
create table change_log (
    application_id   integer not null,
    happened         timestamptz not null,
    change_id        uuid not null default gen_random_uuid(),
    action           text not null check (action in (
        'created', 'changed', 'paused', 'resumed', 'deleted', 'triggered', 'replayed', 'signingSecretRotated',
        'apiKeyCreated', 'apiKeyRevoked'
    )),
    key_id           text collate "C",  -- of the API key that asked; null where the service did it by itself
    request_id       text,              -- of the request that asked; the same for all that one request in bulk did
    event_id         text collate "C",  -- what it was done to; null where it was no event
    affected_key_id  text collate "C",  -- the API key that was made or revoked
    fields           json not null,     -- [{"name": …, "from": …, "to": …}]; values only of what is no secret
    primary key (application_id, happened, change_id)
) with (autovacuum_vacuum_insert_scale_factor = 0.02);
create index change_log_event on change_log (application_id, event_id, happened, change_id);
create index change_log_action on change_log (application_id, action, happened, change_id);
create index change_log_age on change_log (happened);

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
