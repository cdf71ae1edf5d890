"""An event that a schedule owns: mails about it go to whoever is on call when they are sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from api_service.loops.mailer import TRIES_MOST
from api_service.loops.smtp import Refused, SmtpServer
from api_service.store import notifications
from api_service.store.oncall import account_users, events, schedules
from api_service.usecases.oncall.owners import addresses_of
from shared.domain.errors import ScheduleNotFound
from shared.domain.firing import AttemptError
from shared.domain.ids import ulid
from shared.domain.oncall_kept import Attendee, KeptEvent
from shared.domain.schedule import AccountUser, Schedule
from shared.timing.instants import to_datetime
from tests.integration.loops.scene import HOUR, NOW, Scene, attempted
from tests.integration.loops.test_mailer import _Clock, mailer_to, told
from tests.servers.mail import MailServer, mail_server

SCHEDULE = ulid(NOW, b"schedule--")
OWNER = f"oncall:{SCHEDULE}"


@pytest.fixture
async def mails() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest.fixture
async def staffed(scene: Scene) -> Scene:
    """Ada and Bob in layer 1 and Eve in layer 2, in the second hour from now; then nobody for an hour, then Eve."""
    facts: dict[str, Any] = {"time_zone": "UTC", "meta": {}, "created_at": NOW, "updated_at": NOW}
    async with scene.database.transaction() as c:
        for number, name in enumerate(("ada", "bob", "eve"), start=1):
            user = AccountUser(
                account_user_id=_id(name),
                prefix_id=f"usr_{name}",
                tiny_id=number,
                name=name,
                email=f"{name}@example.com",
                **facts,
            )
            await account_users.insert(c, scene.application_id, user)
        schedule = Schedule(schedule_id=SCHEDULE, prefix_id="skd_12345678901234", tiny_id=1, name="Shop", **facts)
        await schedules.insert(c, scene.application_id, schedule)
        for number, (layer, hour, names) in enumerate([(1, 1, ("bob", "ada")), (2, 1, ("eve",)), (2, 3, ("eve",))]):
            start = to_datetime(NOW + hour * HOUR).replace(tzinfo=None)
            kept = KeptEvent(
                event_id=ulid(NOW, b"event----%d" % number),
                application_id=scene.application_id,
                prefix_id=f"evt_{number}",
                tiny_id=number + 1,
                layer=layer,
                start=start,
                end=start + timedelta(hours=1),
                repeat=False,
                frequency=None,
                unit=None,
                days_of_week=(),
                repeat_end=None,
                terminated_on=None,
                rotation=False,
                parent_id=None,
                role=None,
                covers=frozenset(),
                attendees=tuple(Attendee(ulid(NOW, b"%9s%d" % (name.encode(), number)), _id(name)) for name in names),
                exceptions={},
                schedule_ids=(SCHEDULE,),
                **facts,
            )
            await events.insert(c, kept)
    return scene


def _id(name: str) -> str:
    return ulid(NOW, name.encode().rjust(10))


async def test_everybody_on_call_in_the_lowest_layer_is_written_to(staffed: Scene, mails: MailServer) -> None:
    rung = await staffed.create(event_owner=OWNER)
    await told(staffed, attempted(rung, 1, error=AttemptError.TIMEOUT))
    mailer = mailer_to(staffed, SmtpServer(mails.url, sender="carillon@localhost"), _Clock(NOW + HOUR))

    assert await mailer.mail_once()

    assert [mail["To"] for mail in mails.accepted] == ["ada@example.com", "bob@example.com"]
    assert "of whose schedule you are on call" in mails.accepted[0].get_content()
    assert not await mailer.mail_once()


class _Refusing:
    """A mail server that has no mailbox for one of them."""

    def __init__(self, *, of: str) -> None:
        self.sender = "carillon@localhost"
        self.of = of
        self.accepted: list[str] = []

    async def send(self, message: EmailMessage, *, recipient: str) -> None:
        if recipient == self.of:
            raise Refused("550 no such mailbox")
        self.accepted.append(recipient)


async def test_who_cannot_be_reached_keeps_the_mail_from_nobody_else(staffed: Scene) -> None:
    rung = await staffed.create(event_owner=OWNER)
    await told(staffed, attempted(rung, 1, error=AttemptError.TIMEOUT))
    server = _Refusing(of="ada@example.com")
    mailer = mailer_to(staffed, server, _Clock(NOW + HOUR))

    assert await mailer.mail_once()

    assert server.accepted == ["bob@example.com"]
    assert not await mailer.mail_once()


async def test_while_nobody_is_on_call_the_mail_waits_for_somebody(staffed: Scene, mails: MailServer) -> None:
    rung = await staffed.create(event_owner=OWNER)
    await told(staffed, attempted(rung, 1, error=AttemptError.TIMEOUT))
    clock = _Clock(NOW + 2 * HOUR)
    mailer = mailer_to(staffed, SmtpServer(mails.url, sender="carillon@localhost"), clock)

    tries = 0
    while not mails.accepted and tries < TRIES_MOST:
        tries += await mailer.mail_once()
        clock.moment += HOUR // 4

    assert [mail["To"] for mail in mails.accepted] == ["eve@example.com"]
    assert tries > 1


async def test_a_schedule_that_is_gone_is_told_nothing(scene: Scene, mails: MailServer) -> None:
    rung = await scene.create(event_owner=OWNER)
    await told(scene, attempted(rung, 1, error=AttemptError.TIMEOUT))
    mailer = mailer_to(scene, SmtpServer(mails.url, sender="carillon@localhost"), _Clock(NOW + HOUR))

    assert await mailer.mail_once()

    async with scene.database.connection() as c:
        assert await notifications.waiting(c) == 0
    assert not mails.accepted


async def test_a_schedule_of_another_application_is_none(staffed: Scene) -> None:
    async with staffed.database.connection() as c:
        assert await addresses_of(c, staffed.application_id, OWNER, NOW + HOUR)
        with pytest.raises(ScheduleNotFound):
            await addresses_of(c, staffed.application_id + 1, OWNER, NOW + HOUR)
