"""An event's whole life is audited: every instant is accounted for, and what is taken out of the ledger is named."""

from __future__ import annotations

from typing import Any

import pytest

from api_service import limits
from api_service.loops.recorder import Recorder
from api_service.store.database import Database
from shared.bus.local import LocalBroker, LocalBus
from shared.domain.firing import Attempted, AttemptError, FailReason, Finished, Outcome
from shared.messages.catalogue import Outcomes, Report
from shared.messages.codec import encode
from shared.timing.instants import iso, to_datetime
from tests.integration.api.stage import DAY, HOUR, NOW, Api, StandingClock
from tests.integration.loops.wires import Letter

SECOND = 1_000


class Life:
    """An event that rings every ten seconds for an hour, its clock, and the dispatcher that reports of it."""

    def __init__(self, api: Api, clock: StandingClock, database: Database) -> None:
        bus = LocalBus(LocalBroker())
        self.api, self.clock, self.database = api, clock, database
        self.event: dict[str, Any] = {}
        self.recorder = Recorder(
            bus=bus, publisher=bus.publisher(), database=database, clock=clock, wake_relay=lambda: None
        )

    async def begin(self, **different: Any) -> None:
        facts = {"interval": "*/10 * * * * *", "endDate": iso(NOW + HOUR)}
        self.event = await self.api.create(**facts | different)

    @property
    def path(self) -> str:
        return f"/v1/events/{self.event['eventId']}"

    def at(self, seconds: float) -> None:
        self.clock.moment = NOW + round(seconds * SECOND)

    async def report(self, *outcomes: Outcome) -> None:
        letter = Letter(encode(Outcomes("d-1", [Report(0, "i", 1, list(outcomes))])))
        await self.recorder.deal_with(letter)
        assert letter.answers == ["ack"]

    def rung(self, seconds: int, **given: Any) -> Attempted:
        nominal = NOW + seconds * SECOND
        facts: dict[str, Any] = {
            "timer_id": self.event["eventId"],
            "nominal": nominal,
            "manual": False,
            "attempt": 1,
            "started": nominal + 3,
            "duration_ms": 17,
            "status_code": 200,
            "error": AttemptError.NONE,
            "settled_through": nominal,
        }
        return Attempted(**facts | given)

    def failed(self, seconds: int, status: int, reason: FailReason | None, **given: Any) -> Attempted:
        return self.rung(seconds, status_code=status, error=AttemptError.STATUS, reason=reason, **given)

    async def do(self, deed: str) -> dict[str, Any]:
        answer = await self.api.post(f"{self.path}/{deed}")
        assert answer.status == 200, answer.text
        done: dict[str, Any] = answer.data
        return done

    async def audit(self, query: str = "") -> dict[str, Any]:
        answer = await self.api.get(f"{self.path}/audit{query}")
        assert answer.status == 200, answer.text
        audited: dict[str, Any] = answer.data
        return audited

    async def rules(self) -> int:
        return int(await self.ask("select count(*) from event_rule where event_id = $1"))

    async def ask(self, statement: str, *more: Any) -> Any:
        async with self.database.connection() as c:
            return await c.fetchval(statement, self.event["eventId"], *more)

    async def lose(self, seconds: int) -> None:
        moment = to_datetime(NOW + seconds * SECOND)
        lost = await self.ask("delete from execution where event_id = $1 and nominal = $2 returning true", moment)
        assert lost


@pytest.fixture
async def life(api: Api, clock: StandingClock, database: Database) -> Life:
    life = Life(api, clock, database)
    await life.begin()
    return life


def gap(first: int, last: int, count: int) -> dict[str, Any]:
    return {"firstDate": iso(NOW + first * SECOND), "lastDate": iso(NOW + last * SECOND), "count": count}


async def live(life: Life) -> None:
    """It is delivered, fails, is retried, is changed, paused and resumed, is gone, and resumed again: 18 instants."""
    life.at(35)
    retried = life.failed(30, 503, None, retry_at=NOW + 60 * SECOND)
    await life.report(life.rung(10), life.failed(20, 404, FailReason.NOT_RETRYABLE), retried)
    life.at(52.5)
    await life.report(life.rung(40))
    assert (await life.api.patch(life.path, {"interval": "*/5 * * * * *", "tags": ["a"]})).status == 200  # 50 is due
    assert (await life.api.patch(life.path, {"callbackUrl": "https://x.example"})).status == 200
    life.at(63)
    await life.report(life.rung(55), life.rung(60))
    await life.do("pause")
    life.at(90.5)
    version = (await life.do("resume"))["version"]
    life.at(97)
    await life.report(life.failed(95, 410, FailReason.GONE, version=version))
    life.at(120)


async def test_a_life_is_complete(life: Life) -> None:
    await live(life)
    assert (await life.api.get(life.path)).data["pausedReason"] == "gone"

    assert await life.audit() == {
        "from": iso(NOW),
        "to": iso(NOW + 120 * SECOND),
        "complete": True,
        "knownFrom": iso(NOW),
        "retainedFrom": iso(NOW + 180 * SECOND - 30 * DAY),
        "settledThrough": iso(NOW + 95 * SECOND),
        "expected": 18,
        "recorded": {"DELIVERED": 4, "FAILED": 2, "SKIPPED": 7, "RETRYING": 1, "PENDING": 0},
        "underWay": 4,
        "gaps": {"count": 0, "stretches": []},
        "unexpected": {"count": 0, "entries": []},
    }

    await life.do("resume")
    audited = await life.audit()
    assert (audited["complete"], audited["underWay"], audited["recorded"]["SKIPPED"]) == (True, 0, 11)
    assert await life.rules() == 6  # its creation, the new rule, and each pause and resumption


async def test_what_is_taken_out_is_named(life: Life) -> None:
    await live(life)
    await life.do("resume")

    await life.lose(20)
    audited = await life.audit()
    assert (audited["complete"], audited["gaps"]) == (False, {"count": 1, "stretches": [gap(20, 20, 1)]})

    await life.lose(50)
    await life.lose(55)
    audited = await life.audit(f"?from={iso(NOW + 40 * SECOND)}&to={iso(NOW + 60 * SECOND)}")
    assert (audited["expected"], audited["gaps"]) == (3, {"count": 2, "stretches": [gap(50, 55, 2)]})
    assert (await life.audit(f"?from={iso(NOW + 60 * SECOND)}"))["complete"]


@pytest.mark.parametrize("late", [False, True])
async def test_what_rang_as_a_pause_was_unheard_hides_nothing_that_the_pause_swallowed(life: Life, late: bool) -> None:
    version = life.event["version"]
    rang = [life.rung(20, version=version), life.rung(30, version=version)]
    life.at(15)
    await life.do("pause")
    assert (await life.api.patch(life.path, {"interval": "*/5 * * * * *"})).status == 200
    life.at(62)
    if not late:
        await life.report(*rang)
    assert (await life.api.patch(life.path, {"interval": "*/10 * * * * *"})).status == 200
    if late:
        await life.report(*rang)

    audited = await life.audit()

    assert (audited["complete"], audited["gaps"]["count"], audited["unexpected"]["count"]) == (True, 0, 0)
    assert (audited["recorded"]["DELIVERED"], audited["recorded"]["SKIPPED"]) == (2, 8)
    assert await life.ask("select count from execution where event_id = $1 and count > 1") == 8  # from 25 to 60


async def test_a_stretch_is_proof_of_all_its_instants_wherever_one_looks_into_it(life: Life) -> None:
    life.at(1)
    await life.do("pause")
    life.at(600)
    await life.do("resume")
    stretch = await life.ask("select count from execution where event_id = $1 and count > 1")
    assert stretch > 50

    for query in ("", f"?from={iso(NOW + 300 * SECOND)}", f"?to={iso(NOW + 300 * SECOND)}"):
        audited = await life.audit(query)
        assert (audited["complete"], audited["unexpected"]["count"]) == (True, 0)

    await life.ask("update execution set count = count - 1 where event_id = $1 and count > 1")
    audited = await life.audit(f"?from={iso(NOW + 300 * SECOND)}")
    assert (audited["gaps"]["count"], audited["unexpected"]["count"]) == (30, 1)
    assert audited["unexpected"]["entries"][0]["reason"] == "paused"


async def test_of_a_finished_event_nothing_is_under_way(life: Life) -> None:
    life.at(3600)
    assert (await life.audit())["underWay"] == 359

    await life.report(Finished(timer_id=life.event["eventId"], end=NOW + HOUR))
    audited = await life.audit()
    assert (audited["underWay"], audited["gaps"]) == (0, {"count": 359, "stretches": [gap(10, 3590, 359)]})


async def test_what_no_rule_names_is_shown_and_what_was_rung_by_hand_is_not(life: Life) -> None:
    life.at(11)
    await life.do("trigger")
    await life.report(life.rung(10), life.rung(7))

    audited = await life.audit()
    assert audited["complete"]
    moment = iso(NOW + 7 * SECOND)
    assert audited["unexpected"] == {
        "count": 1,
        "entries": [{"nominalDate": moment, "lastDate": moment, "count": 1, "status": "DELIVERED", "reason": None}],
    }


async def test_before_its_creation_an_event_had_no_instants(life: Life) -> None:
    life.at(11)
    await life.report(life.rung(10))

    audited = await life.audit("?from=2020-01-01T00:00:00Z")
    assert (audited["complete"], audited["expected"]) == (True, 1)


async def test_what_the_ledger_may_have_forgotten_is_not_proved(
    api: Api, clock: StandingClock, database: Database
) -> None:
    life = Life(api, clock, database)
    await life.begin(interval="0 0 * * * *", endDate=iso(NOW + 40 * DAY))
    life.at(31 * 24 * 3600)

    audited = await life.audit()
    assert (audited["from"], audited["complete"], audited["underWay"]) == (iso(NOW + DAY + 60 * SECOND), True, 30 * 24)
    early = await life.audit(f"?from={iso(NOW)}")
    assert (early["from"], early["complete"], early["expected"]) == (iso(NOW), False, 30 * 24)


async def test_where_an_earlier_release_has_changed_it_its_history_begins_there(life: Life) -> None:
    life.at(20)
    await life.report(life.rung(10))
    await life.ask(
        "update event set interval = '*/5 * * * * *', anchor = $2, updated_date = $2 where event_id = $1",
        to_datetime(NOW + 20 * SECOND),
    )
    life.at(31)
    await life.report(life.rung(25), life.rung(30))

    audited = await life.audit()
    assert (audited["knownFrom"], audited["complete"], audited["expected"]) == (iso(NOW + 20 * SECOND), True, 2)
    assert not (await life.audit(f"?from={iso(NOW)}"))["complete"]

    await life.do("pause")
    assert await life.rules() == 1
    assert (await life.audit())["knownFrom"] == iso(NOW + 31 * SECOND)


async def test_the_history_goes_with_its_event(life: Life) -> None:
    assert (await life.api.delete(life.path)).status == 200

    assert await life.rules() == 0
    assert (await life.api.get(f"{life.path}/audit")).status == 404


async def test_another_applications_event_is_not_audited(life: Life) -> None:
    stranger = await life.api.newcomer()

    assert (await stranger.get(f"{life.path}/audit")).status == 404


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("from=yesterday", "from should be an ISO 8601 date"),
        ("from=2030-03-17T17:00:00Z&to=2030-03-17T17:00:00Z", "from should be before to"),
        ("from=2031-01-01T00:00:00Z", "from should be in the past"),
        ("since=2030-01-01T00:00:00Z", "since is not known here; known are from, to"),
    ],
)
async def test_a_time_that_is_none_is_refused(life: Life, query: str, message: str) -> None:
    answer = await life.api.get(f"{life.path}/audit?{query}")

    assert answer.status == 400
    assert answer.message[0].startswith(message)


async def test_more_than_can_be_audited_at_once_is_refused_with_a_part_that_can_be(
    api: Api, clock: StandingClock, database: Database
) -> None:
    life = Life(api, clock, database)
    await life.begin(interval="* * * * * *", endDate=iso(NOW + 100 * HOUR))
    life.at(40 * 3600)
    answer = await api.get(f"{life.path}/audit")

    part = iso(NOW + (limits.AUDIT_INSTANTS + 1) * SECOND - 1)
    assert (answer.status, answer.message) == (
        400,
        [f"from and to should have at most 100000 occurrences between them; ask for parts of it, first with to={part}"],
    )
    assert (await life.audit(f"?to={part}"))["underWay"] == limits.AUDIT_INSTANTS


@pytest.mark.parametrize(("limit", "what"), [("AUDIT_CHANGES", "changes of the rule"), ("AUDIT_ENTRIES", "entries")])
async def test_so_are_more_changes_or_entries(
    life: Life, monkeypatch: pytest.MonkeyPatch, limit: str, what: str
) -> None:
    await live(life)
    monkeypatch.setattr(limits, limit, 3)
    answer = await life.api.get(f"{life.path}/audit")

    assert answer.status == 400
    assert answer.message[0].startswith(f"from and to should have at most 3 {what}")
    part = answer.message[0].rpartition("to=")[2]
    assert (await life.api.get(f"{life.path}/audit?to={part}")).status == 200
