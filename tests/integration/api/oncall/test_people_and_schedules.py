"""Account users and schedules: made, found by either id, changed in part, deleted; another's are nowhere."""

from __future__ import annotations

import re

import pytest

from api_service.store.database import Database
from tests.integration.api.oncall.stage import ADA, CORE, V4, problems
from tests.integration.api.stage import HOUR, StandingClock

ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
CREATED = "2030-03-17T17:46:40.000Z"
KINDS = pytest.mark.parametrize(
    ("path", "sent", "prefix", "zone"),
    [("/account_users", ADA, "usr", "Europe/London"), ("/schedules", CORE, "skd", "America/Phoenix")],
    ids=["account users", "schedules"],
)


@KINDS
async def test_what_is_made_is_shown_whole(v4: V4, path: str, sent: dict[str, str], prefix: str, zone: str) -> None:
    answer = await v4.ask("POST", path, sent | {"meta": {"team": {"id": 7}}, "colour": "red"})

    made = answer.json
    assert answer.status == 201
    assert ULID.fullmatch(made["id"])
    assert re.fullmatch(f"{prefix}_[A-Za-z0-9]{{14}}", made["prefix_id"])
    assert made == sent | {
        "id": made["id"],
        "prefix_id": made["prefix_id"],
        "tiny_id": 1,
        "iana_time_zone": zone,
        "meta": {"team": {"id": 7}},
        "created_at": CREATED,
        "updated_at": CREATED,
    }
    for name in (made["id"], made["prefix_id"]):
        read = await v4.ask("GET", f"{path}/{name}")
        assert (read.status, read.text, read.headers["ETag"]) == (200, answer.text, answer.headers["ETag"])


@KINDS
async def test_tiny_ids_count_each_kind_of_each_application(
    v4: V4, path: str, sent: dict[str, str], prefix: str, zone: str
) -> None:
    other = await v4.other()
    assert [(await v4.made(path, sent))["tiny_id"] for _ in range(3)] == [1, 2, 3]
    assert (await other.made(path, sent))["tiny_id"] == 1


@KINDS
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_change_is_partial(
    v4: V4, clock: StandingClock, method: str, path: str, sent: dict[str, str], prefix: str, zone: str
) -> None:
    made = await v4.made(path, sent | {"meta": {"a": 1}})
    clock.moment += HOUR
    changed = await v4.ask(method, f"{path}/{made['prefix_id']}", {"name": " Grace ", "id": "x", "tiny_id": 9})

    expected = made | {"name": "Grace", "updated_at": "2030-03-17T18:46:40.000Z"}
    assert (changed.status, changed.json) == (200, expected)
    assert (await v4.ask("GET", f"{path}/{made['id']}")).text == changed.text

    clock.moment += HOUR
    same = await v4.ask(method, f"{path}/{made['id']}", {"name": "Grace", "meta": {"a": 1}})
    assert same.json == expected
    assert '"meta":{"a":true}' in (await v4.ask(method, f"{path}/{made['id']}", {"meta": {"a": True}})).text
    assert (await v4.ask(method, f"{path}/{made['id']}", {"meta": None})).json["meta"] == {}


@KINDS
async def test_what_is_deleted_is_gone(v4: V4, path: str, sent: dict[str, str], prefix: str, zone: str) -> None:
    made = await v4.made(path, sent)
    gone = await v4.ask("DELETE", f"{path}/{made['id']}", {"ignored": True})

    assert (gone.status, gone.text) == (204, "")
    assert (await v4.ask("GET", f"{path}/{made['id']}")).status == 404
    assert (await v4.ask("DELETE", f"{path}/{made['id']}")).status == 404
    assert (await v4.made(path, sent))["tiny_id"] == 2


@KINDS
async def test_what_is_another_applications_is_nowhere(
    v4: V4, path: str, sent: dict[str, str], prefix: str, zone: str
) -> None:
    theirs = await (await v4.other()).made(path, sent)
    wrong_kind = "skd" if prefix == "usr" else "usr"
    names = [theirs["id"], theirs["prefix_id"], "x", f"{wrong_kind}_{theirs['prefix_id'][4:]}", "%00", "1"]
    for name in names:
        for method, body in (("GET", None), ("PUT", {"name": "mine"}), ("PATCH", {"name": "mine"}), ("DELETE", None)):
            answer = await v4.ask(method, f"{path}/{name}", body)
            assert answer.status == 404
            assert problems(answer)[0].startswith("There is no ")
    assert (await v4.ask("GET", path)).json["total_count"] == 0


@pytest.mark.parametrize("path", ["/account_users", "/schedules"])
@pytest.mark.parametrize("time_zone", ["Mazatlan", "Mazatl√°n", "mazatlán"])
async def test_a_zone_goes_out_as_it_is_listed(v4: V4, path: str, time_zone: str) -> None:
    made = await v4.made(path, ADA | {"time_zone": time_zone})

    assert (made["time_zone"], made["iana_time_zone"]) == ("Mazatlán", "America/Mazatlan")


async def test_without_a_zone_it_is_utc(v4: V4) -> None:
    made = await v4.made("/schedules", {"name": "Core"})

    assert (made["time_zone"], made["iana_time_zone"], made["meta"]) == ("UTC", made["iana_time_zone"], {})


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, ["name can't be blank", "email can't be blank"]),
        (
            {"name": "  ", "email": None, "time_zone": "", "meta": []},
            ["name can't be blank", "email can't be blank", "time_zone can't be blank", "meta should be a JSON object"],
        ),
        (
            {"name": "x" * 256, "email": "nobody", "time_zone": "Atlantis", "meta": 1},
            [
                "name should have 1 to 255 characters",
                "email should be an e-mail address, e.g. user@example.com",
                "time_zone is not one to choose from: 'Atlantis'",
                "meta should be a JSON object",
            ],
        ),
        ({"name": 5, "email": ["a"]}, ["name should be a string", "email should be a string"]),
        ({"name": "a\nb", "email": "a@example.com"}, ["name should have no control characters"]),
    ],
)
async def test_every_problem_is_told_at_once(v4: V4, sent: dict[str, object], said: list[str]) -> None:
    answer = await v4.ask("POST", "/account_users", sent)

    assert answer.status == 422
    assert len(problems(answer)) == len(said)
    assert all(problem.startswith(begin) for problem, begin in zip(problems(answer), said, strict=True))


async def test_meta_holds_whatever_a_body_can(v4: V4) -> None:
    meta = {"numbers": list(range(9_000)), "ä": {"deep": [None, 1.5, False, ""]}}
    made = await v4.person(meta=meta)

    assert made["meta"] == meta
    assert (await v4.ask("GET", f"/account_users/{made['id']}")).json == made


async def test_a_change_is_judged_by_the_same_rules(v4: V4) -> None:
    made = await v4.person()
    answer = await v4.ask("PUT", f"/account_users/{made['id']}", {"name": "", "email": "x", "time_zone": None})

    assert answer.status == 422
    assert [problem.split()[0] for problem in problems(answer)] == ["name", "email", "time_zone"]
    assert (await v4.ask("GET", f"/account_users/{made['id']}")).json == made


async def test_who_attends_events_cannot_go(v4: V4, database: Database) -> None:
    ada, core = await v4.person(), await v4.schedule()
    events = [await _event(database, ada, core, number) for number in range(5)]
    answer = await v4.ask("DELETE", f"/account_users/{ada['id']}")

    assert answer.status == 409
    assert problems(answer) == [
        f"The account user attends {', '.join(events[:3])} and 2 more; "
        "give those events to somebody else, or delete them, first."
    ]
    assert (await v4.ask("DELETE", f"/schedules/{core['id']}")).status == 204
    assert (await v4.ask("DELETE", f"/account_users/{ada['id']}")).status == 204


async def test_what_is_on_another_schedule_too_stays_there(v4: V4, database: Database) -> None:
    ada, core, night = await v4.person(), await v4.schedule(), await v4.schedule()
    alone = await _event(database, ada, core, 1)
    child = await _event(database, ada, night, 2, parent=alone)
    shared = await _event(database, ada, core, 3)
    async with database.connection() as c:
        await c.execute("insert into oncall_event_schedule values ($1, $2)", night["id"], shared)
        await v4.ask("DELETE", f"/schedules/{core['id']}")
        left = [row[0] for row in await c.fetch("select oncall_event_id from oncall_event where parent_id is null")]

        assert alone not in left
        assert shared in left
        assert child not in {row[0] for row in await c.fetch("select oncall_event_id from oncall_event_schedule")}
        on = await c.fetch("select schedule_id from oncall_event_schedule where oncall_event_id = $1", shared)
    assert [row[0] for row in on] == [night["id"]]


async def _event(
    database: Database, user: dict[str, str], schedule: dict[str, str], number: int, parent: str | None = None
) -> str:
    """An on-call event, as far as those around it see it."""
    event_id = f"{user['id'][:-2]}E{number}"
    async with database.transaction() as c:
        await c.execute(
            """
            insert into oncall_event (
                oncall_event_id, application_id, prefix_id, tiny_id, layer, time_zone, start_wall, end_wall,
                start_at, end_at, last_end, repeat, rotation, meta, created_at, updated_at, parent_id
            )
            select $1, application_id, 'evt_' || $1, $2, 1, 'UTC', '2030-01-01', '2030-01-02', '2030-01-01',
                '2030-01-02', '2030-01-02', false, false, '{}', now(), now(), $4
            from account_user where account_user_id = $3
            """,
            event_id,
            number,
            user["id"],
            parent,
        )
        await c.execute("insert into oncall_event_attendee values ($1, 1, $1, $2)", event_id, user["id"])
        await c.execute("insert into oncall_event_schedule values ($1, $2)", schedule["id"], event_id)
    return event_id


async def test_an_event_may_belong_to_a_schedule_of_its_own_application_only(v4: V4) -> None:
    foreign = await (await v4.other()).schedule()
    schedule = await v4.schedule()
    event = {"interval": "0 0 9 * * *", "endDate": "2099-01-01T00:00:00Z", "callbackUrl": "https://example.com/"}

    for name in (schedule["id"], schedule["prefix_id"]):
        answer = await v4.api.ask("POST", "/v1/events", json=event | {"eventOwner": f"oncall:{name}"})
        assert answer.status == 201, answer.text
        assert answer.json["data"]["eventOwner"] == f"oncall:{name}"
    for name in (foreign["id"], "skd_00000000000000", "Shop"):
        answer = await v4.api.ask("POST", "/v1/events", json=event | {"eventOwner": f"oncall:{name}"})
        assert answer.status == 400
        assert "eventOwner" in answer.json["message"][0]


async def test_a_schedules_end_can_be_tried(v4: V4) -> None:
    ada, core = await v4.person(), await v4.schedule()
    week = {"start_time": "2030-09-02 08:00", "end_time": "2030-09-09 08:00", "layer": 1, "time_zone": "Arizona"}
    await v4.made("/events", week | {"account_user_ids": [ada["id"]], "schedule_ids": [core["id"]]})
    tried = await v4.ask("DELETE", f"/schedules/{core['id']}?dry_run=true")

    assert (tried.status, tried.json["dry_run"], tried.json["result"]) == (200, True, None)
    assert tried.json["difference"]["hours"] == {ada["id"]: -168.0}
    assert (await v4.ask("GET", f"/schedules/{core['id']}/events")).json["total_count"] == 1
    assert (await v4.ask("DELETE", f"/schedules/{core['id']}?dry_run=maybe")).status == 400
