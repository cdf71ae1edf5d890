"""What the application carries, by typed keys: handlers take their means from here and pass them on as arguments."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from aiohttp import web

from api_service.store.database import Database
from api_service.usecases.creating_together import Creations
from api_service.usecases.registration import KnownKeys
from api_service.usecases.turns import Turns
from shared.clock import Clock
from shared.domain.egress import Egress
from shared.domain.token_bucket import Buckets

Entropy: TypeAlias = Callable[[int], bytes]  # so many random bytes
Wake: TypeAlias = Callable[[], None]
Check: TypeAlias = Callable[[], Awaitable[None]]  # raises where what it checks is not there

DATABASE: web.AppKey[Database] = web.AppKey("database", Database)
CREATIONS: web.AppKey[Creations] = web.AppKey("creations", Creations)
KNOWN_KEYS: web.AppKey[KnownKeys] = web.AppKey("known_keys", KnownKeys)
CLOCK: web.AppKey[Clock] = web.AppKey("clock")
REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
ENTROPY: web.AppKey[Entropy] = web.AppKey("entropy")
SHARDS: web.AppKey[int] = web.AppKey("shards", int)
PREVIEWS: web.AppKey[asyncio.Lock] = web.AppKey("previews", asyncio.Lock)  # held while one is computed
WINDOWS: web.AppKey[asyncio.Lock] = web.AppKey("windows", asyncio.Lock)  # held while a long one is computed
CALENDARS: web.AppKey[asyncio.Lock] = web.AppKey("calendars", asyncio.Lock)  # held while one is written
BATCHES: web.AppKey[Turns] = web.AppKey("batches", Turns)  # whose turn it is to send one
RATE: web.AppKey[Buckets | None] = web.AppKey("rate")  # None: as fast as it goes
QUOTA_EVENTS: web.AppKey[int] = web.AppKey("quota_events", int)  # of each application; 0: no end
LEDGER_SUCCESS_DAYS: web.AppKey[int] = web.AppKey("ledger_success_days", int)
EGRESS: web.AppKey[Egress] = web.AppKey("egress", Egress)
REGISTRATION_TOKEN: web.AppKey[str | None] = web.AppKey("registration_token")  # None: anybody may register
OUTBOX_WAKE: web.AppKey[Wake] = web.AppKey("outbox_wake")  # to be called once a change is committed
ENDING: web.AppKey[asyncio.Event] = web.AppKey("ending", asyncio.Event)  # set once the process has been told to end
READINESS: web.AppKey[Mapping[str, Check]] = web.AppKey("readiness")
