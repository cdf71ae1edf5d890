"""New signing secrets for old ones: the old ones go on for a while, so that receivers can learn the new one."""

from __future__ import annotations

from api_service import limits
from api_service.store import outbox, signing
from api_service.store.signing import SecretDates
from api_service.usecases.means import Means
from api_service.usecases.noting import note
from api_service.usecases.rotation import held_keys
from shared.domain.changelog import Action
from shared.domain.errors import TooManySecrets
from shared.domain.signing import SECRET_BYTES, secret_text
from shared.messages.catalogue import Rotated
from shared.messages.codec import encode
from shared.timing.instants import Instant


async def find_secrets(means: Means) -> tuple[int, list[SecretDates]]:
    """The generation of the application's keys, and when its secrets began and end, newest first."""
    async with means.database.connection() as c:
        return await signing.find(c, means.application_id, means.now)


async def rotate(means: Means, *, overlap_seconds: int) -> tuple[str, Instant]:
    """A new secret, and until when the others sign beside it. Raises TooManySecrets, NotAuthenticated.

    Every dispatcher is told, whether or not it has timers of the application: it may have some by the time it reads it.
    """
    secret, until = means.entropy(SECRET_BYTES), means.now + overlap_seconds * 1000
    async with means.database.transaction() as c:
        await held_keys(c, means)  # a key that was revoked a moment ago must not learn a secret
        await signing.raise_generation(c, means.application_id)
        _, others = await signing.find(c, means.application_id, means.now)
        if overlap_seconds and len(others) >= limits.SIGNING_SECRETS:
            raise TooManySecrets
        await signing.expire(c, means.application_id, until)
        await signing.add(c, means.application_id, secret, now=means.now)
        overlap = {"name": "overlapSeconds", "from": None, "to": overlap_seconds}
        await note(c, means, Action.SIGNING_SECRET_ROTATED, fields=[overlap])
        (keys,) = await signing.keys_of(c, [means.application_id], means.now)
        await outbox.put_everywhere(c, encode(Rotated(keys)))
    means.wake_relay()
    return secret_text(secret), until
