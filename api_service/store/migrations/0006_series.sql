-- From which version of an event on a report may say what is settled: its rule, or where it begins, was changed then.

alter table event_state add column series bigint not null default 0;
