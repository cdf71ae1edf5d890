-- find --
-- What was answered to the request that carried this key.
select request_hash, event_id, answer from idempotency_key where application_id = $1 and key = $2;

-- remember --
-- The answers to the requests that carried these keys, but for those where another request with it was faster. Who writes
-- several waits for others in the order of the keys.
insert into idempotency_key (application_id, key, request_hash, event_id, answer, created_date)
select application_id, key, request_hash, event_id, answer, created_date
from unnest($1::integer[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::timestamptz[])
    as kept (application_id, key, request_hash, event_id, answer, created_date)
order by application_id, key
on conflict (application_id, key) do nothing
returning application_id, key;

-- forget_older --
-- Answers that have been kept long enough, a bounded number at a time.
delete from idempotency_key
where (application_id, key) in (
    select application_id, key from idempotency_key where created_date < $1 order by created_date limit $2
);
