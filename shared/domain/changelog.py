"""What is done to an application's things, as its change log calls it."""

from __future__ import annotations

from enum import StrEnum


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
