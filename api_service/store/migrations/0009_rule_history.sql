-- Which rule was in force when, so that an audit can say which instants an event had.

create table event_rule (
    event_id    text collate "C" not null references event on delete cascade,
    version     bigint not null,
    valid_from  timestamptz not null,
    interval    text not null,
    timezone    text not null,
    end_date    timestamptz not null,
    anchor      timestamptz not null,
    paused      boolean not null,
    primary key (event_id, version)
);

-- Of events that exist already, what is in force has been so since their last change at least.
insert into event_rule (event_id, version, valid_from, interval, timezone, end_date, anchor, paused)
select event_id, version, updated_date, interval, timezone, end_date, anchor, status = 'PAUSED'
from event join event_state using (event_id);
