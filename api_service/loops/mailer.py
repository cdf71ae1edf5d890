"""Notifications to mail: all that waits for one owner in one mail, and deleted once the mail server has accepted it.

It is deleted in the transaction that took it; a crash in between sends the mail again, with the same Message-ID where
nothing was added meanwhile. What cannot be sent waits for longer and longer, for a day; what will never be is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage
from typing import Protocol

from api_service.loops import metrics
from api_service.loops.mail_text import Unmailable, compose
from api_service.loops.smtp import Deferred, Refused, ServerAway
from api_service.loops.trouble import Trouble
from api_service.store import notifications
from api_service.store.database import Connection, Database
from api_service.store.notifications import Notification
from api_service.usecases.oncall import owners
from api_service.usecases.oncall.owners import NobodyOnCall
from shared.clock import Clock
from shared.domain.errors import ScheduleNotFound, Unavailable
from shared.observability.logs import get_logger

MAIL_NOTIFICATIONS = 10_000
POLL_INTERVAL = 2.0
DELAY_LEAST_MS = 30_000
DELAY_MOST_MS = 3_600_000
TRIES_MOST = 30  # with these delays, a day

log = get_logger(__name__)


class WayOut(Protocol):
    """What the mailer needs of a mail server."""

    sender: str

    async def send(self, message: EmailMessage, *, recipient: str) -> None:
        """Accepted, or Refused, Deferred or ServerAway."""
        ...


class Mailer:
    """Tells owners what is to be told."""

    def __init__(
        self, *, database: Database, server: WayOut, clock: Clock, poll_interval: float = POLL_INTERVAL
    ) -> None:
        self._database = database
        self._server = server
        self._clock = clock
        self._poll_interval = poll_interval
        self._store = Trouble(name="mailer.database", clock=clock, log=log)
        self._mail = Trouble(name="mailer.server", clock=clock, log=log)

    async def run(self) -> None:
        """Mail for ever; ends only by cancellation."""
        while True:
            try:
                found = await self.mail_once()
            except Unavailable as error:
                await self._store.wait(error)
                continue
            except ServerAway as error:
                self._store.over()
                await self._mail.wait(error)
                continue

            self._store.over()
            if not found:
                await self._clock.sleep(self._poll_interval)

    async def mail_once(self) -> bool:
        """Write to one owner who may be told by now; was there one?

        Raises Unavailable, and ServerAway where nobody else would get a mail either: what was to be told waits.
        """
        away: ServerAway | None = None
        async with self._database.transaction() as c:
            now = self._clock.now()
            told = await notifications.take(c, now, MAIL_NOTIFICATIONS)
            if not told:
                return False
            try:
                await self._send(told, await owners.addresses_of(c, told[0].application_id, told[0].event_owner, now))
            except (Refused, Unmailable, ScheduleNotFound) as error:
                await _drop(c, told, "refused" if isinstance(error, Refused) else "unmailable", error)
            except (Deferred, NobodyOnCall) as error:
                await self._postpone(c, told, error)
            except ServerAway as error:
                await self._postpone(c, told, error)
                away = error
            else:
                await notifications.delete(c, [one.id for one in told])
        if away is not None:
            raise away
        return True

    async def _send(self, told: Sequence[Notification], recipients: Sequence[str]) -> None:
        """One mail to each; who can never be reached keeps it from nobody else.

        Raises Refused or Unmailable where that is so of all, and Deferred or ServerAway: then all are tried again,
        under the same Message-ID.
        """
        never: list[Refused | Unmailable] = []
        for recipient in recipients:
            try:
                message = compose(told, sender=self._server.sender, recipient=recipient, now=self._clock.now())
                await self._server.send(message, recipient=recipient)
            except (Refused, Unmailable) as error:
                never.append(error)
                log.warning("mailer.not_reached", error=str(error), first_event=told[0].event_id)
            else:
                metrics.MAILER_SENT.inc()
                log.info("mail.sent", notifications=len(told), first_event=told[0].event_id)
                self._mail.over()
        if never and len(never) == len(recipients):
            raise never[0]

    async def _postpone(self, c: Connection, told: Sequence[Notification], error: Exception) -> None:
        expired = [one for one in told if one.tries + 1 >= TRIES_MOST]
        if expired:
            await _drop(c, expired, "expired", error)
        left = [one for one in told if one.tries + 1 < TRIES_MOST]
        if left:
            tried = max(one.tries for one in left)
            until = self._clock.now() + min(DELAY_MOST_MS, DELAY_LEAST_MS << tried)
            await notifications.postpone(c, [one.id for one in left], until)
            metrics.MAILER_POSTPONED.inc()


async def _drop(c: Connection, told: Sequence[Notification], why: str, error: Exception) -> None:
    await notifications.delete(c, [one.id for one in told])
    metrics.MAILER_DROPPED.labels(why).inc(len(told))
    log.warning("mailer.dropped", why=why, error=str(error), notifications=len(told), first_event=told[0].event_id)
