"""Who comes in, and with which key. A key is shown once; what is kept of it is a hash."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256

from api_service.store import applications
from api_service.store.database import Database
from shared.domain.errors import NotAuthenticated, RegistrationClosed
from shared.timing.instants import Instant

_KEY_BYTES = 32
_KEY_PREFIX = "ck_"


async def register(database: Database, *, app_name: str, now: Instant, entropy: Callable[[int], bytes]) -> str:
    """The key of a new application. Raises NameTaken."""
    key = _KEY_PREFIX + urlsafe_b64encode(entropy(_KEY_BYTES)).rstrip(b"=").decode()
    async with database.transaction() as c:
        await applications.register(c, app_name=app_name, key_hash=_hash(key), now=now)
    return key


def check_token(expected: str | None, given: str) -> None:
    """Raise RegistrationClosed unless no token is needed or the given one is right; how long it takes tells nothing."""
    if expected is not None and not hmac.compare_digest(_bytes(expected), _bytes(given)):
        raise RegistrationClosed


async def authenticate(database: Database, key: str) -> int:
    """The id of the application that this key opens. Raises NotAuthenticated."""
    if not key:
        raise NotAuthenticated
    async with database.connection() as c:
        found = await applications.application_of(c, _hash(key))
    if found is None:
        raise NotAuthenticated
    return found[0]


def _hash(key: str) -> bytes:
    return sha256(_bytes(key)).digest()


def _bytes(text: str) -> bytes:
    """The bytes of what came in a header, whatever they are."""
    return text.encode("utf-8", "surrogateescape")
