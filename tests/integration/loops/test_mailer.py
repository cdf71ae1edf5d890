"""From results to mail: an owner is told once of each turn, all in one mail, whatever the mail server does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage

import pytest
from prometheus_client import REGISTRY

from api_service.loops import smtp
from api_service.loops.mailer import DELAY_LEAST_MS, DELAY_MOST_MS, TRIES_MOST, Mailer, WayOut
from api_service.loops.smtp import ServerAway, SmtpServer
from api_service.store import notifications, recording
from api_service.store.database import Database
from api_service.store.digest import Digest
from api_service.store.notifications import SMTP_LINGER_MS
from shared.domain.event import Event, PauseReason
from shared.domain.firing import AttemptError, Outcome
from tests.integration.loops.scene import HOUR, NOW, SECOND, Scene, attempted, outcomes
from tests.servers.mail import MailServer, mail_server

FAILED = AttemptError.TIMEOUT
DAY = 24 * HOUR


class _Clock:
    """A clock that is told what time it is, and leaps when somebody sleeps."""

    def __init__(self, now: int = NOW) -> None:
        self.moment = now

    def now(self) -> int:
        return self.moment

    def steady(self) -> float:
        return self.moment / 1000

    async def sleep(self, seconds: float) -> None:
        self.moment += round(seconds * 1000)


@pytest.fixture
async def mails() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest.fixture
def clock() -> _Clock:
    return _Clock(NOW + HOUR)


@pytest.fixture
def mailer(scene: Scene, mails: MailServer, clock: _Clock) -> Mailer:
    return mailer_to(scene, SmtpServer(mails.url, sender="carillon@localhost"), clock)


def mailer_to(scene: Scene, server: WayOut, clock: _Clock) -> Mailer:
    return Mailer(database=scene.database, server=server, clock=clock)


@asynccontextmanager
async def running(mailer: Mailer) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(mailer.run())
        yield
        task.cancel()


async def told(scene: Scene, *what: Outcome, now: int = NOW + HOUR - SMTP_LINGER_MS, notify: bool = True) -> None:
    """A dispatcher reports this, so long ago that whoever is to hear of it may."""
    async with scene.database.transaction() as c:
        await recording.record(c, Digest.of([outcomes(*what)]), now, notify=notify)


async def waiting(database: Database) -> int:
    async with database.connection() as c:
        return await notifications.waiting(c)


async def kinds(database: Database, of: Event) -> list[str]:
    async with database.connection() as c:
        rows = await c.fetch("select kind from notification where event_id = $1 order by id", of.event_id)
    return [row["kind"] for row in rows]


def dropped(why: str) -> float:
    return REGISTRY.get_sample_value("carillon_mailer_dropped_total", {"why": why}) or 0.0


async def test_the_first_failure_is_told_once_however_many_follow(
    scene: Scene, mailer: Mailer, mails: MailServer
) -> None:
    rung = await scene.create(callback_url="https://api.example.com:8443/bell/secret-path?token=secret-query")
    await told(scene, *(attempted(rung, second, error=FAILED) for second in range(1, 6)))
    await told(scene, *(attempted(rung, second, error=FAILED) for second in range(6, 11)))

    assert await mailer.mail_once()
    assert not await mailer.mail_once()

    (mail,) = mails.accepted
    assert mail["To"] == "owner@example.com"
    assert mail["Subject"] == "Callback failing: api.example.com"
    text = mail.get_content()
    assert rung.event_id in text
    assert "the occurrence of 2027-01-15T08:00:01.000Z: no answer in time" in text
    assert "secret" not in mail.as_string()
    assert mails.greeted_by == ["localhost"]
    assert await waiting(scene.database) == 0


async def test_a_recovery_is_told_once(scene: Scene, mailer: Mailer, mails: MailServer) -> None:
    rung = await scene.create()
    await told(scene, attempted(rung, 1, error=FAILED))
    await mailer.mail_once()
    await told(scene, *(attempted(rung, second) for second in range(2, 6)))
    await told(scene, *(attempted(rung, second) for second in range(6, 9)))

    assert await mailer.mail_once()
    assert not await mailer.mail_once()

    assert mails.accepted[1]["Subject"] == "Callback recovered: 127.0.0.1"
    assert "after failing since 2027-01-15T08:00:01.020Z" in mails.accepted[1].get_content()


async def test_an_event_that_is_always_delivered_is_nobodys_news(scene: Scene) -> None:
    rung = await scene.create()
    await told(scene, *(attempted(rung, second) for second in range(1, 9)))

    assert await waiting(scene.database) == 0


async def test_a_report_that_comes_again_is_no_news(scene: Scene) -> None:
    rung = await scene.create()
    first, second = attempted(rung, 1, error=FAILED), attempted(rung, 2)
    for what in (first, first, second, first, second):
        await told(scene, what)

    assert await kinds(scene.database, rung) == ["failing", "recovered"]


async def test_what_is_tried_again_has_not_failed(scene: Scene) -> None:
    rung = await scene.create()
    await told(scene, attempted(rung, 1, error=FAILED, retry_at=NOW + HOUR))
    assert await kinds(scene.database, rung) == []

    await told(scene, attempted(rung, 1, error=FAILED, attempt=2))
    assert await kinds(scene.database, rung) == ["failing"]


async def test_turns_within_a_message_are_told_in_the_order_in_which_they_ended(scene: Scene) -> None:
    rung = await scene.create()
    await told(scene, attempted(rung, 3, error=FAILED), attempted(rung, 2), attempted(rung, 1, error=FAILED))

    assert await kinds(scene.database, rung) == ["failing", "recovered", "failing"]


async def test_where_no_mails_are_sent_nothing_is_written(scene: Scene) -> None:
    rung = await scene.create()
    await told(scene, attempted(rung, 1, error=FAILED), notify=False)

    assert await waiting(scene.database) == 0
    async with scene.database.connection() as c:
        assert await c.fetchval("select count(*) from event_state where failing_since is not null") == 0


async def test_a_burst_of_events_of_one_owner_is_one_mail(scene: Scene, mailer: Mailer, mails: MailServer) -> None:
    rung = [await scene.create() for _ in range(200)]
    other = await scene.create(event_owner="other@example.com")
    for half in (rung[:100], rung[100:]):
        await told(scene, *(attempted(one, 1, error=FAILED) for one in half))
    await told(scene, attempted(other, 1, error=FAILED))

    while await mailer.mail_once():
        pass

    first, second = mails.accepted
    assert (first["Subject"], second["To"]) == ("Callbacks: 200 failing", "other@example.com")
    assert first.get_content().count(" at 127.0.0.1") == 50
    assert first.get_content().rstrip().endswith("and 150 more")


async def test_a_mail_lingers_for_what_happens_at_the_same_time(
    scene: Scene, mailer: Mailer, mails: MailServer, clock: _Clock
) -> None:
    rung = [await scene.create(), await scene.create()]
    await told(scene, attempted(rung[0], 1, error=FAILED), now=clock.now())
    assert not await mailer.mail_once()

    clock.moment += SMTP_LINGER_MS - 1
    await told(scene, attempted(rung[1], 1, error=FAILED), now=clock.now())
    assert not await mailer.mail_once()

    clock.moment += 1
    assert await mailer.mail_once()
    assert [mail["Subject"] for mail in mails.accepted] == ["Callbacks: 2 failing"]


async def test_a_pause_is_told_and_outlives_its_event(scene: Scene, mailer: Mailer, mails: MailServer) -> None:
    rung = await scene.create()
    async with scene.database.transaction() as c:
        await notifications.note_paused(c, rung.event_id, PauseReason.GONE, NOW)
        await notifications.note_paused(c, "01UNKNOWN", PauseReason.GONE, NOW)
    await scene.delete(rung)

    assert await mailer.mail_once()

    (mail,) = mails.accepted
    assert mail["Subject"] == "Callback paused: 127.0.0.1"
    assert "410 Gone" in mail.get_content()


async def test_while_the_mail_server_is_away_nothing_is_lost_and_it_is_told_later(
    scene: Scene, mailer: Mailer, mails: MailServer, clock: _Clock
) -> None:
    rung = [await scene.create(event_owner=f"owner{number}@example.com") for number in range(3)]
    await mails.stop()
    await told(scene, *(attempted(one, 1, error=FAILED) for one in rung))

    for _ in rung:
        with pytest.raises(ServerAway):
            await mailer.mail_once()
    assert not await mailer.mail_once()
    assert await waiting(scene.database) == 3

    await mails.start()
    async with running(mailer):
        received = {(await mails.mail())["To"] for _ in rung}

    assert received == {f"owner{number}@example.com" for number in range(3)}
    assert clock.now() >= NOW + HOUR + DELAY_LEAST_MS


async def test_what_cannot_be_told_is_tried_less_and_less_often_and_given_up_after_a_day(
    scene: Scene, mailer: Mailer, mails: MailServer, clock: _Clock
) -> None:
    mails.answers["owner@example.com"] = "451 later"
    before = dropped("expired")
    await told(scene, attempted(await scene.create(), 1, error=FAILED))

    delays, began = [], clock.now()
    for _ in range(TRIES_MOST - 1):
        assert await mailer.mail_once()
        async with scene.database.connection() as c:
            due = await c.fetchval("select (extract(epoch from not_before) * 1000)::bigint from notification")
        delays.append(due - clock.now())
        clock.moment = due - 1
        assert not await mailer.mail_once()
        clock.moment = due
    assert delays[:3] == [DELAY_LEAST_MS, 2 * DELAY_LEAST_MS, 4 * DELAY_LEAST_MS]
    assert set(delays[7:]) == {DELAY_MOST_MS}
    assert DAY - HOUR < clock.now() - began < DAY + HOUR

    assert await mailer.mail_once()
    assert await waiting(scene.database) == 0
    assert dropped("expired") == before + 1


async def test_what_is_new_waits_with_what_could_not_be_told_and_comes_in_the_same_mail(
    scene: Scene, mailer: Mailer, mails: MailServer, clock: _Clock
) -> None:
    mails.answers["owner@example.com"] = "451 later"
    await told(scene, attempted(await scene.create(), 1, error=FAILED))
    assert await mailer.mail_once()
    await told(scene, attempted(await scene.create(), 1, error=FAILED), now=clock.now())
    mails.answers.clear()

    clock.moment += DELAY_LEAST_MS - 1
    assert not await mailer.mail_once()
    clock.moment += 1
    assert await mailer.mail_once()
    assert [mail["Subject"] for mail in mails.accepted] == ["Callbacks: 2 failing"]


@pytest.mark.parametrize("refusal", ["recipient", "mail"])
async def test_who_is_refused_is_dropped_and_counted_and_keeps_nobody_else(
    scene: Scene, mailer: Mailer, mails: MailServer, refusal: str
) -> None:
    before = dropped("refused")
    for owner in ("nobody@example.com", "owner@example.com"):
        await told(scene, attempted(await scene.create(event_owner=owner), 1, error=FAILED))
    if refusal == "recipient":
        mails.answers["nobody@example.com"] = "550 no such user"
    else:
        mails.data_answer = "554 spam"

    assert await mailer.mail_once()
    mails.data_answer = "250 OK"
    assert await mailer.mail_once()

    assert [mail["To"] for mail in mails.accepted] == ["owner@example.com"]
    assert dropped("refused") == before + 1
    assert await waiting(scene.database) == 0


async def test_an_owner_without_an_address_does_not_stop_the_mails(
    scene: Scene, mailer: Mailer, mails: MailServer
) -> None:
    before = dropped("unmailable")
    for owner in ("a@b.example\r\nBcc: all@example.com", "owner@example.com"):
        await told(scene, attempted(await scene.create(event_owner=owner), 1, error=FAILED))

    while await mailer.mail_once():
        pass

    assert [(mail["To"], mail["Bcc"]) for mail in mails.accepted] == [("owner@example.com", None)]
    assert dropped("unmailable") == before + 1


async def test_an_address_in_any_script_is_written_to(scene: Scene, mailer: Mailer, mails: MailServer) -> None:
    await told(scene, attempted(await scene.create(event_owner="jürgen@münchen.example"), 1, error=FAILED))

    assert await mailer.mail_once()
    assert mails.recipients == ["jürgen@münchen.example"]


async def test_whoever_dies_between_sending_and_deleting_sends_the_same_mail_again(
    scene: Scene, mailer: Mailer, mails: MailServer, clock: _Clock
) -> None:
    class _Dies:
        sender = "carillon@localhost"
        accepted = asyncio.Event()

        async def send(self, message: EmailMessage, *, recipient: str) -> None:
            await SmtpServer(mails.url, sender=self.sender).send(message, recipient=recipient)
            self.accepted.set()
            await asyncio.Event().wait()

    await told(scene, attempted(await scene.create(), 1, error=FAILED))
    dying = _Dies()
    async with running(mailer_to(scene, dying, clock)):
        await dying.accepted.wait()
        assert not await mailer.mail_once()  # another one holds it
    assert await mailer.mail_once()

    first, again = mails.accepted
    assert first["Message-ID"] == again["Message-ID"]


async def test_a_mail_server_that_never_answers_is_not_waited_for_for_ever(
    scene: Scene, clock: _Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "SEND_TIMEOUT", 0.05)
    callers: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: callers.append(writer), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    await told(scene, attempted(await scene.create(), 1, error=FAILED))

    with pytest.raises(ServerAway):
        await mailer_to(scene, SmtpServer(f"smtp://127.0.0.1:{port}", sender="a@b.example"), clock).mail_once()
    assert await waiting(scene.database) == 1
    silent.close()
    for caller in callers:
        caller.transport.abort()


async def test_it_logs_in_where_it_is_told_to_and_a_wrong_password_loses_nothing(scene: Scene, clock: _Clock) -> None:
    await told(scene, attempted(await scene.create(), 1, error=FAILED))
    async with mail_server({"us@r": "p/ss"}) as mails:
        right, wrong = (
            SmtpServer(f"smtp://us%40r:{word}@127.0.0.1:{mails.port}", sender="carillon@bells.example")
            for word in ("p%2Fss", "wrong")
        )
        with pytest.raises(ServerAway, match="535"):
            await mailer_to(scene, wrong, clock).mail_once()
        clock.moment += DELAY_LEAST_MS

        assert await mailer_to(scene, right, clock).mail_once()
        assert set(mails.logged_in) == {b"us@r"}
        assert mails.accepted[0]["From"] == "Carillon <carillon@bells.example>"


async def test_postgres_being_away_does_not_end_the_mailer(scene: Scene, mailer: Mailer, mails: MailServer) -> None:
    await told(scene, attempted(await scene.create(), 1, error=FAILED))
    async with running(mailer):
        await mails.mail()
        later = attempted(await scene.create(), 1, error=FAILED)
        async with scene.database.connection() as c:  # the only one that is left
            await c.execute("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
                            " and datname = current_database()")  # fmt: skip
            async with c.transaction():
                await recording.record(c, Digest.of([outcomes(later)]), NOW + HOUR - SMTP_LINGER_MS, notify=True)

        assert (await mails.mail())["Subject"] == "Callback failing: 127.0.0.1"


def test_a_nominal_instant_is_so_long_ago_that_its_result_has_ended() -> None:
    assert NOW + 10 * SECOND < NOW + HOUR - SMTP_LINGER_MS
