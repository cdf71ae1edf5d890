-- begin --
-- The application's row, where this is the first that it changes.
insert into oncall_application (application_id) values ($1) on conflict (application_id) do nothing;

-- hold --
-- Nobody else changes what the application has of on-call events before this transaction ends.
select from oncall_application where application_id = $1 for update;

-- next_account_user --
-- The next number of an account user.
update oncall_application set account_user_tiny = account_user_tiny + 1
where application_id = $1
returning account_user_tiny;

-- next_schedule --
-- The next number of a schedule.
update oncall_application set schedule_tiny = schedule_tiny + 1
where application_id = $1
returning schedule_tiny;

-- next_oncall_event --
-- The next number of an on-call event.
update oncall_application set oncall_event_tiny = oncall_event_tiny + 1
where application_id = $1
returning oncall_event_tiny;
