-- Since when a change waits to be published, so that it can be said how old the oldest one is.

alter table outbox add column written timestamptz not null default now();
