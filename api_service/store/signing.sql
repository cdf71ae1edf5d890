-- keys_of --
-- What these applications sign with, newest first; no row for one that signs with nothing.
select application_id, key_generation as generation,
       array_agg(secret order by until desc nulls first, signing_secret.created_date desc) as secrets,
       array_agg(until order by until desc nulls first, signing_secret.created_date desc) as untils
from application join signing_secret using (application_id)
where application_id = any($1::integer[]) and (until is null or until > $2)
group by application_id;

-- find --
-- The application's generation, and when each secret that signs began and ends; one row without where there is none.
select key_generation as generation, secret.created_date, secret.until
from application
    left join signing_secret as secret
        on secret.application_id = application.application_id and (secret.until is null or secret.until > $2)
where application.application_id = $1
order by secret.until desc nulls first, secret.created_date desc;

-- raise_generation --
-- The keys are new ones from now on; nobody else changes them before this transaction ends. Events may be created meanwhile.
update application set key_generation = key_generation + 1 where application_id = $1;

-- expire --
-- All secrets of the application sign until this moment, or an earlier one where they would have.
update signing_secret set until = least(until, $2) where application_id = $1;

-- add --
-- One more secret, which signs until it is told otherwise.
insert into signing_secret (application_id, secret, created_date) values ($1, $2, $3);

-- forget_ended --
-- Secrets that sign nothing any more, a bounded number at a time.
delete from signing_secret
where (application_id, secret) in (
    select application_id, secret from signing_secret where until <= $1 order by until limit $2
);
