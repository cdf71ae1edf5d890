"""Which handler answers at which path of /api/v4. A path of words stands before one with an id in the same place."""

from __future__ import annotations

from api_service.handlers.oncall import (
    account_users,
    events,
    feed_tokens,
    feeds,
    schedule_events,
    schedules,
    subscriptions,
)
from api_service.handlers.oncall.feeds import for_feed
from api_service.handlers.requests import Routes, for_application
from shared.domain.schedule import ACCOUNT_USER_PREFIX, SCHEDULE_PREFIX

OF_ONCALL: Routes = (
    ("GET", "/api/v4/account_users/{id}.ics", for_feed(ACCOUNT_USER_PREFIX, feeds.account_user_feed)),
    ("POST", "/api/v4/account_users", for_application(account_users.create_account_user)),
    ("GET", "/api/v4/account_users", for_application(account_users.list_account_users)),
    ("GET", "/api/v4/account_users/{id}", for_application(account_users.get_account_user)),
    ("PUT", "/api/v4/account_users/{id}", for_application(account_users.change_account_user)),
    ("PATCH", "/api/v4/account_users/{id}", for_application(account_users.change_account_user)),
    ("DELETE", "/api/v4/account_users/{id}", for_application(account_users.delete_account_user)),
    ("POST", "/api/v4/account_users/{id}/feed_tokens", for_application(feed_tokens.create_account_user_token)),
    ("GET", "/api/v4/account_users/{id}/feed_tokens", for_application(feed_tokens.list_account_user_tokens)),
    (
        "DELETE",
        "/api/v4/account_users/{id}/feed_tokens/{token_id}",
        for_application(feed_tokens.revoke_account_user_token),
    ),
    ("GET", "/api/v4/schedules/{id}.ics", for_feed(SCHEDULE_PREFIX, feeds.schedule_feed)),
    ("GET", "/api/v4/schedules/{id}/rules.ics", for_application(feeds.schedule_rules)),
    ("POST", "/api/v4/schedules/{id}/feed_tokens", for_application(feed_tokens.create_schedule_token)),
    ("GET", "/api/v4/schedules/{id}/feed_tokens", for_application(feed_tokens.list_schedule_tokens)),
    ("DELETE", "/api/v4/schedules/{id}/feed_tokens/{token_id}", for_application(feed_tokens.revoke_schedule_token)),
    ("POST", "/api/v4/schedules", for_application(schedules.create_schedule)),
    ("GET", "/api/v4/schedules", for_application(schedules.list_schedules)),
    ("GET", "/api/v4/schedules/{id}", for_application(schedules.get_schedule)),
    ("PUT", "/api/v4/schedules/{id}", for_application(schedules.change_schedule)),
    ("PATCH", "/api/v4/schedules/{id}", for_application(schedules.change_schedule)),
    ("DELETE", "/api/v4/schedules/{id}", for_application(schedules.delete_schedule)),
    ("GET", "/api/v4/schedules/{id}/events", for_application(schedule_events.list_schedule_events)),
    ("GET", "/api/v4/schedules/{id}/window_events", for_application(schedule_events.list_window_events)),
    ("GET", "/api/v4/schedules/{id}/current_oncall", for_application(schedule_events.list_current_oncall)),
    ("GET", "/api/v4/schedules/{id}/coverage", for_application(schedule_events.get_coverage)),
    ("GET", "/api/v4/schedules/{id}/coverage.csv", for_application(schedule_events.get_coverage)),
    ("DELETE", "/api/v4/schedules/{id}/flush", for_application(schedule_events.flush_schedule)),
    ("POST", "/api/v4/schedules/{id}/subscriptions", for_application(subscriptions.create_subscription)),
    ("GET", "/api/v4/schedules/{id}/subscriptions", for_application(subscriptions.list_subscriptions)),
    ("GET", "/api/v4/schedules/{id}/subscriptions/{sid}", for_application(subscriptions.get_subscription)),
    ("PUT", "/api/v4/schedules/{id}/subscriptions/{sid}", for_application(subscriptions.change_subscription)),
    ("PATCH", "/api/v4/schedules/{id}/subscriptions/{sid}", for_application(subscriptions.change_subscription)),
    ("DELETE", "/api/v4/schedules/{id}/subscriptions/{sid}", for_application(subscriptions.delete_subscription)),
    ("GET", "/api/v4/events/time_zones", for_application(events.list_time_zones)),
    ("POST", "/api/v4/events", for_application(events.create_event)),
    ("GET", "/api/v4/events", for_application(events.list_events)),
    ("GET", "/api/v4/events/{id}", for_application(events.get_event)),
    ("PUT", "/api/v4/events/{id}", for_application(events.change_event)),
    ("PATCH", "/api/v4/events/{id}", for_application(events.change_event)),
    ("DELETE", "/api/v4/events/{id}", for_application(events.delete_event)),
    ("POST", "/api/v4/events/{id}/override", for_application(events.override_event)),
    ("POST", "/api/v4/events/{id}/add_exception", for_application(events.add_exception)),
    ("POST", "/api/v4/events/{id}/terminate_on", for_application(events.terminate_event)),
    ("GET", "/api/v4/events/{id}/occurrences", for_application(events.list_occurrences)),
)
