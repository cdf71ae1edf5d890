"""What is done to an application's things, as its change log calls it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeAlias

# {"name": …}, and where the values are no secret {"name": …, "from": …, "to": …}
FieldChange: TypeAlias = Mapping[str, Any]


class Action(StrEnum):
    """One kind of change; the words are stored, so they never change."""

    CREATED = "created"
    CHANGED = "changed"
    PAUSED = "paused"
    RESUMED = "resumed"
    DELETED = "deleted"
    TRIGGERED = "triggered"
    REPLAYED = "replayed"
    SIGNING_SECRET_ROTATED = "signingSecretRotated"  # noqa: S105 - a word
    API_KEY_CREATED = "apiKeyCreated"
    API_KEY_REVOKED = "apiKeyRevoked"
    ACCOUNT_USER_CREATED = "accountUserCreated"
    ACCOUNT_USER_CHANGED = "accountUserChanged"
    ACCOUNT_USER_DELETED = "accountUserDeleted"
    SCHEDULE_CREATED = "scheduleCreated"
    SCHEDULE_CHANGED = "scheduleChanged"
    SCHEDULE_FLUSHED = "scheduleFlushed"
    SCHEDULE_DELETED = "scheduleDeleted"
    ONCALL_EVENT_CREATED = "oncallEventCreated"
    ONCALL_EVENT_CHANGED = "oncallEventChanged"
    ONCALL_EVENT_OVERRIDDEN = "oncallEventOverridden"
    ONCALL_EVENT_EXCEPTED = "oncallEventExcepted"
    ONCALL_EVENT_TERMINATED = "oncallEventTerminated"
    ONCALL_EVENT_RESTORED = "oncallEventRestored"
    ONCALL_EVENT_DELETED = "oncallEventDeleted"
    FEED_TOKEN_CREATED = "feedTokenCreated"  # noqa: S105 - a word
    FEED_TOKEN_REVOKED = "feedTokenRevoked"  # noqa: S105 - a word
