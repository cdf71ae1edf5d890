-- add --
-- What was done, by whom and to what event or key.
insert into change_log (application_id, happened, action, key_id, request_id, event_id, affected_key_id, fields)
select application_id, happened, action, key_id, request_id, event_id, affected_key_id, fields::json
from json_to_recordset(convert_from($1, 'UTF8')::json) as done (
    application_id integer, happened timestamptz, action text, key_id text, request_id text, event_id text,
    affected_key_id text, fields text
);

-- add_oncall --
-- What was done to what is on call.
insert into oncall_change_log (application_id, happened, action, key_id, request_id, object_id, fields)
values ($1, $2, $3, $4, $5, $6, $7);

-- page --
-- A page of an application's changes, newest first, beyond a place: ranges of two indexes, read backwards.
select change_id, happened, action, key_id, request_id, event_id, affected_key_id, object_id, fields
from (
    (
        select change_id, happened, action, key_id, request_id, event_id, affected_key_id, null as object_id, fields
        from change_log
        where application_id = $1
            and happened >= $2 and happened < $3
            and (happened, change_id) < ($4, $5::uuid)
        order by happened desc, change_id desc
        limit $6
    )
    union all
    (
        select change_id, happened, action, key_id, request_id, null, null, object_id, fields
        from oncall_change_log
        where application_id = $1
            and happened >= $2 and happened < $3
            and (happened, change_id) < ($4, $5::uuid)
        order by happened desc, change_id desc
        limit $6
    )
) as newest
order by happened desc, change_id desc
limit $6;

-- page_of_event --
-- The same, of one event and some actions, or of all where they are null.
select change_id, happened, action, key_id, request_id, event_id, affected_key_id, null as object_id, fields
from change_log
where application_id = $1 and event_id = $7
    and happened >= $2 and happened < $3
    and (happened, change_id) < ($4, $5::uuid)
    and ($8::text[] is null or action = any($8::text[]))
order by happened desc, change_id desc
limit $6;

-- page_of_object --
-- The same, of what it was done to where that is on call.
select change_id, happened, action, key_id, request_id, null as event_id, null as affected_key_id, object_id, fields
from oncall_change_log
where application_id = $1 and object_id = $7
    and happened >= $2 and happened < $3
    and (happened, change_id) < ($4, $5::uuid)
    and ($8::text[] is null or action = any($8::text[]))
order by happened desc, change_id desc
limit $6;

-- page_of_actions --
-- The same, of some actions: as many of the newest of each, and of those the newest.
select newest.change_id, newest.happened, newest.action, newest.key_id, newest.request_id, newest.event_id,
    newest.affected_key_id, newest.object_id, newest.fields
from unnest($7::text[]) as wanted (action) cross join lateral (
    (
        select change_id, happened, action, key_id, request_id, event_id, affected_key_id, null as object_id, fields
        from change_log
        where application_id = $1 and change_log.action = wanted.action
            and happened >= $2 and happened < $3
            and (happened, change_id) < ($4, $5::uuid)
        order by happened desc, change_id desc
        limit $6
    )
    union all
    (
        select change_id, happened, action, key_id, request_id, null, null, object_id, fields
        from oncall_change_log
        where application_id = $1 and oncall_change_log.action = wanted.action
            and happened >= $2 and happened < $3
            and (happened, change_id) < ($4, $5::uuid)
        order by happened desc, change_id desc
        limit $6
    )
) as newest
order by newest.happened desc, newest.change_id desc
limit $6;

-- forget_older --
-- Changes that have been kept long enough, a bounded number at a time.
delete from change_log
where (application_id, happened, change_id) in (
    select application_id, happened, change_id from change_log where happened < $1 order by happened limit $2
);

-- forget_older_oncall --
-- The same, of what was done to what is on call.
delete from oncall_change_log
where (application_id, happened, change_id) in (
    select application_id, happened, change_id from oncall_change_log where happened < $1 order by happened limit $2
);
