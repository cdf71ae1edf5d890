-- Keys have a name, so that they can be spoken of, and may come to an end.

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

alter table api_key
    add column key_id text collate "C" not null default fresh_ulid(),
    add column expires_date timestamptz;
create unique index api_key_names on api_key (application_id, key_id);
create index api_key_ends on api_key (expires_date) where expires_date is not null;
