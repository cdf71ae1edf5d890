-- find --
-- What was answered to the request that carried this key.
select request_hash, event_id, answer from idempotency_key where application_id = $1 and key = $2;

-- remember --
-- The answer to the request that carried this key; nothing where another request with it was faster.
insert into idempotency_key (application_id, key, request_hash, event_id, answer, created_date)
values ($1, $2, $3, $4, $5, $6)
on conflict (application_id, key) do nothing
returning true;

-- forget_older --
-- Answers that have been kept long enough, a bounded number at a time.
delete from idempotency_key
where (application_id, key) in (
    select application_id, key from idempotency_key where created_date < $1 order by created_date limit $2
);
