-- insert --
-- A new account user.
insert into account_user (
    application_id, account_user_id, prefix_id, tiny_id, name, email, time_zone, meta, created_at, updated_at
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- get --
-- One account user of one application, by either id.
select account_user_id, application_id, prefix_id, tiny_id, name, email, time_zone, meta, created_at, updated_at
from account_user
where application_id = $1 and (account_user_id = $2 or prefix_id = $2);

-- update --
-- What a client may change of an account user.
update account_user set name = $3, email = $4, time_zone = $5, meta = $6, updated_at = $7
where application_id = $1 and account_user_id = $2;

-- delete --
-- The account user is gone; whoever attends an event cannot go.
delete from account_user where application_id = $1 and account_user_id = $2;

-- attended --
-- The first few on-call events that the account user attends, and how many there are.
select oncall_event_id, count(*) over () as events
from oncall_event_attendee
where account_user_id = $1
group by oncall_event_id
order by oncall_event_id
limit $2;

-- addresses --
-- The mailboxes of these account users.
select distinct email from account_user where application_id = $1 and account_user_id = any($2::text[]) order by email;

-- scheduled --
-- The schedules with events that the account user attends.
select distinct schedule_id
from oncall_event_attendee join oncall_event_schedule using (oncall_event_id)
where account_user_id = $1
order by schedule_id;

-- resolve --
-- The account users of one application that have one of these ids.
select account_user_id, prefix_id from account_user
where application_id = $1 and (account_user_id = any($2::text[]) or prefix_id = any($2::text[]));

-- page --
-- A page of the account users that match.
select account_user_id, application_id, prefix_id, tiny_id, name, email, time_zone, meta, created_at, updated_at
from account_user
where application_id = $1 and {filters} order by {order} {part};

-- count --
-- How many match.
select count(*) from account_user where application_id = $1 and {filters};
