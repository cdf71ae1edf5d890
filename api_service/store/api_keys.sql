-- find --
-- The keys with these hashes, expired or not.
select key_hash, key_id, application_id, created_date, expires_date from api_key where key_hash = any($1::bytea[]);

-- hold --
-- Nobody else changes the application's keys before this transaction ends. Events may be created meanwhile.
select from application where application_id = $1 for no key update;

-- valid --
-- The application's keys that open it, newest first.
select key_hash, key_id, application_id, created_date, expires_date
from api_key
where application_id = $1 and (expires_date is null or expires_date > $2)
order by created_date desc, key_id desc;

-- expire --
-- All keys of the application end at this moment, or earlier where they would have.
update api_key set expires_date = $2
where application_id = $1 and (expires_date is null or expires_date > $2);

-- add --
-- One more key of the application.
insert into api_key (key_hash, application_id, created_date) values ($2, $1, $3)
returning key_hash, key_id, application_id, created_date, expires_date;

-- remove --
-- The key opens nothing any more.
delete from api_key where application_id = $1 and key_id = $2;

-- forget_expired --
-- Keys that open nothing, a bounded number at a time.
delete from api_key
where key_hash in (select key_hash from api_key where expires_date <= $1 order by expires_date limit $2);
