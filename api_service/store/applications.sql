-- register --
-- A new application and its key; nothing where the name is taken.
with registered as (
    insert into application (app_name, created_date) values ($1, $3)
    on conflict (app_name) do nothing
    returning application_id
)
insert into api_key (key_hash, application_id, created_date)
select $2, application_id, $3 from registered
returning application_id;
