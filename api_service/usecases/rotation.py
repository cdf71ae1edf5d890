"""New keys for old ones: a rotation lets the old ones go on for a while, a revocation ends one at once.

Both hold the application's keys, and look once more at the one they were asked with: a key that was revoked a moment
ago must not make another.
"""

from __future__ import annotations

from api_service import limits
from api_service.store import api_keys
from api_service.store.api_keys import ApiKey
from api_service.store.database import Connection
from api_service.usecases.means import Means
from api_service.usecases.noting import note
from api_service.usecases.registration import hash_of, new_key
from shared.domain.changelog import Action
from shared.domain.errors import KeyNotFound, LastKey, NotAuthenticated, TooManyKeys


async def find_keys(means: Means) -> list[ApiKey]:
    """The application's valid keys, newest first."""
    async with means.database.connection() as c:
        return await api_keys.valid(c, means.application_id, means.now)


async def rotate(means: Means, *, overlap_seconds: int) -> tuple[ApiKey, str]:
    """A new key, and what it is; all others end after the overlap. Raises TooManyKeys, NotAuthenticated."""
    key = new_key(means.entropy)
    async with means.database.transaction() as c:
        others = await held_keys(c, means)
        if overlap_seconds and len(others) >= limits.KEYS:
            raise TooManyKeys
        await api_keys.expire(c, means.application_id, means.now + overlap_seconds * 1000)
        added = await api_keys.add(c, means.application_id, hash_of(key), now=means.now)
        overlap = {"name": "overlapSeconds", "from": None, "to": overlap_seconds}
        await note(c, means, Action.API_KEY_CREATED, affected_key_id=added.key_id, fields=[overlap])
        return added, key


async def revoke(means: Means, key_id: str) -> ApiKey:
    """The key, which opens nothing any more. Raises KeyNotFound, LastKey, NotAuthenticated."""
    async with means.database.transaction() as c:
        keys = await held_keys(c, means)
        wanted = next((key for key in keys if key.key_id == key_id), None)
        if wanted is None:
            raise KeyNotFound
        if len(keys) == 1:
            raise LastKey
        await api_keys.remove(c, means.application_id, key_id)
        await note(c, means, Action.API_KEY_REVOKED, affected_key_id=key_id)
    return wanted


async def held_keys(c: Connection, means: Means) -> list[ApiKey]:
    """The application's valid keys, which nobody else changes before the transaction ends. Raises NotAuthenticated."""
    await api_keys.hold(c, means.application_id)
    keys = await api_keys.valid(c, means.application_id, means.now)
    if all(key.key_id != means.key_id for key in keys):
        raise NotAuthenticated
    return keys
