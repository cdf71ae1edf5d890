"""Who comes in, and with which key. A key is shown once; what is kept of it is a hash."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from api_service.store import api_keys, applications, signing
from api_service.store.api_keys import ApiKey
from api_service.store.database import Database
from api_service.usecases.noting import note_first_key
from api_service.usecases.sharing import Shared
from shared.domain.errors import NotAuthenticated, RegistrationClosed
from shared.domain.signing import SECRET_BYTES, secret_text
from shared.timing.instants import Instant

_KEY_BYTES = 32
_KEY_PREFIX = "ck_"
_KEYS_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What a new application is told once."""

    api_key: str = field(repr=False)
    signing_secret: str = field(repr=False)


async def register(
    database: Database, *, app_name: str, request_id: str, now: Instant, entropy: Callable[[int], bytes]
) -> Registered:
    """What opens a new application and what its callbacks are signed with. Raises NameTaken."""
    key, secret = new_key(entropy), entropy(SECRET_BYTES)
    async with database.transaction() as c:
        application_id = await applications.register(c, app_name=app_name, key_hash=hash_of(key), now=now)
        await signing.add(c, application_id, secret, now=now)
        (first,) = await api_keys.valid(c, application_id, now)
        await note_first_key(c, application_id, first.key_id, request_id=request_id, now=now)
    return Registered(api_key=key, signing_secret=secret_text(secret))


def check_token(expected: str | None, given: str) -> None:
    """Raise RegistrationClosed unless no token is needed or the given one is right; how long it takes tells nothing."""
    if expected is not None and not hmac.compare_digest(_bytes(expected), _bytes(given)):
        raise RegistrationClosed


class KnownKeys:
    """Looks keys up; who asks while others are being looked up is answered with the next ones. `run` must be running.

    Nothing is remembered: a key that is revoked opens nothing from then on, whichever process is asked.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._shared: Shared[bytes, ApiKey | None] = Shared(self._find, most=_KEYS_AT_ONCE)

    async def run(self) -> None:
        """Look up what is asked for, for ever."""
        await self._shared.run()

    async def find(self, key_hash: bytes) -> ApiKey | None:
        """The key with this hash, expired or not. Raises Unavailable."""
        return await self._shared.ask(key_hash)

    async def _find(self, key_hashes: Sequence[bytes]) -> list[ApiKey | None]:
        async with self._database.connection() as c:
            found = await api_keys.find(c, set(key_hashes))
        return [found.get(key_hash) for key_hash in key_hashes]


async def authenticate(known: KnownKeys, key: str, now: Instant) -> ApiKey:
    """What this key is called and whom it opens. Raises NotAuthenticated; how long it takes tells nothing of the key.

    An index leads to the hash: whoever could learn from its timing how far a hash is right could still not make a key
    with such a hash.
    """
    if not key:
        raise NotAuthenticated
    sent = hash_of(key)
    found = await known.find(sent)
    if found is None or not hmac.compare_digest(found.key_hash, sent) or not is_valid(found, now):
        raise NotAuthenticated
    return found


def is_valid(key: ApiKey, now: Instant) -> bool:
    """Does the key still open anything?"""
    return key.expires_date is None or now < key.expires_date


def new_key(entropy: Callable[[int], bytes]) -> str:
    """A key that nobody has seen."""
    return _KEY_PREFIX + urlsafe_b64encode(entropy(_KEY_BYTES)).rstrip(b"=").decode()


def hash_of(key: str) -> bytes:
    """What is kept of a key."""
    return sha256(_bytes(key)).digest()


def _bytes(text: str) -> bytes:
    """The bytes of what came in a header, whatever they are."""
    return text.encode("utf-8", "surrogateescape")
