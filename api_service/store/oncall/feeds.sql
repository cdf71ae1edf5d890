-- add_token --
-- One more token of a feed.
insert into feed_token (token_hash, feed_token_id, application_id, schedule_id, account_user_id, created_at)
values ($1, $2, $3, $4, $5, $6);

-- tokens --
-- The tokens of a feed, newest first.
select feed_token_id, application_id, schedule_id, account_user_id, created_at, token_hash
from feed_token
where application_id = $1 and (schedule_id = $2 or account_user_id = $3)
order by feed_token_id desc;

-- remove_token --
-- The token opens nothing any more.
delete from feed_token
where application_id = $1 and (schedule_id = $2 or account_user_id = $3) and feed_token_id = $4;

-- find_token --
-- The token with this hash, and what its feed is called in a path.
select feed_token_id, token.application_id, token.schedule_id, token.account_user_id, token.created_at, token_hash,
    coalesce(schedule.prefix_id, account_user.prefix_id) as prefix_id
from feed_token as token
left join schedule using (schedule_id)
left join account_user using (account_user_id)
where token_hash = $1;

-- people --
-- How these account users are called.
select account_user_id, name, email from account_user
where application_id = $1 and account_user_id = any($2::text[]);

-- schedules --
-- How these schedules are called.
select schedule_id, name from schedule where application_id = $1 and schedule_id = any($2::text[]);

-- shown --
-- What a feed has shown.
select form, gone_at from feed_shown where schedule_id = $1 or account_user_id = $2;

-- show --
-- It has shown this, too, if what it is of is still there.
with there as (
    select schedule_id, null as account_user_id from schedule where schedule_id = $1
    union all
    select null, account_user_id from account_user where account_user_id = $2
)
insert into feed_shown (schedule_id, account_user_id, digest, form, gone_at)
select there.schedule_id, there.account_user_id, given.digest, given.form, given.gone_at
from there cross join unnest($3::bytea[], $4::bytea[], $5::timestamptz[]) as given (digest, form, gone_at)
on conflict do nothing;

-- change --
-- This is gone since then, or is there again.
update feed_shown set gone_at = given.gone_at
from unnest($3::bytea[], $4::timestamptz[]) as given (digest, gone_at)
where (schedule_id = $1 or account_user_id = $2) and feed_shown.digest = given.digest;

-- forget --
-- It has not shown this, for all that anybody still has to be told.
delete from feed_shown where (schedule_id = $1 or account_user_id = $2) and digest = any($3::bytea[]);
