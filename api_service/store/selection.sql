-- versions --
-- The versions of these events of one application.
select event_id, version from event where application_id = $1 and event_id = any($2::text[]);
