"""The composition root: who is real. The whole service at a glance."""

from __future__ import annotations

import asyncio
import os

from aiohttp import web

from api_service import limits
from api_service.handlers.routes import add_routes
from api_service.keys import (
    BATCHES,
    CALENDARS,
    CLOCK,
    EGRESS,
    ENDING,
    ENTROPY,
    LEDGER_SUCCESS_DAYS,
    PREVIEWS,
    QUOTA_EVENTS,
    RATE,
    REGISTRATION_TOKEN,
    SHARDS,
    WINDOWS,
)
from api_service.loops.smtp import SmtpServer
from api_service.middleware import MIDDLEWARES
from api_service.resources import FAILED, database, loops, sharing
from api_service.usecases.turns import Turns
from shared.bus.port import Bus
from shared.clock import Clock
from shared.domain.token_bucket import Buckets
from shared.settings import ApiSettings


def create_app(settings: ApiSettings, *, bus: Bus, clock: Clock) -> web.Application:
    """The service, not yet started; it starts even while Postgres or the broker are away."""
    app = web.Application(middlewares=MIDDLEWARES, client_max_size=limits.BODY_BYTES)
    app[CLOCK] = clock
    app[ENTROPY] = os.urandom
    app[EGRESS] = settings.egress_allow
    app[SHARDS] = settings.shards
    app[PREVIEWS] = asyncio.Lock()
    app[CALENDARS] = asyncio.Lock()
    app[WINDOWS] = asyncio.Lock()
    app[BATCHES] = Turns(limits.BATCHES, of_one=limits.BATCHES_OF_ONE)
    app[RATE] = Buckets(rate=settings.rate_limit, burst=settings.rate_limit) if settings.rate_limit else None
    app[QUOTA_EVENTS] = settings.quota_events
    app[LEDGER_SUCCESS_DAYS] = settings.ledger_success_days
    app[REGISTRATION_TOKEN] = settings.registration_token or None
    app[FAILED] = asyncio.Event()
    app[ENDING] = asyncio.Event()
    add_routes(app)
    app.cleanup_ctx.append(database(settings.database_url, size=settings.database_pool))
    app.cleanup_ctx.append(sharing())
    app.cleanup_ctx.append(
        loops(
            bus,
            _mail_server(settings),
            settings.ledger_success_days,
            settings.ledger_failure_days,
            change_log_days=settings.change_log_days,
            recorder_pause=settings.recorder_pause,
        )
    )
    return app


def _mail_server(settings: ApiSettings) -> SmtpServer | None:
    return SmtpServer(settings.smtp_url, sender=settings.mail_from) if settings.smtp_url else None
