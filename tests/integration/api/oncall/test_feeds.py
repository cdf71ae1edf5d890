"""Calendars over HTTP: who may read them, what is in them, and that programs hear of what is gone."""

from __future__ import annotations

from icalendar import Calendar

from api_service import limits
from api_service.store.database import Database
from tests.integration.api.oncall.calendar import Team
from tests.integration.api.oncall.stage import V4, problems
from tests.integration.api.stage import DAY, HOUR, Answer, Api, StandingClock
from tests.unit.calendars.reading import Read, read

# Ada and Ben by turns, every day from 9 to 17, on the days around now.
TURNS = {
    "start_datetime": "2030-03-11T09:00:00-07:00",
    "end_datetime": "2030-03-11T17:00:00-07:00",
    "rotation": True,
    "repeat_end_datetime": "2030-03-20T00:00:00-07:00",
}


async def team_of(v4: V4) -> tuple[Team, str]:
    team = await Team.of(v4, "Ada", "Ben")
    made = await team.event("Ada", "Ben", **TURNS)
    return team, made["id"]


async def feed(v4: V4, path: str, headers: dict[str, str] | None = None) -> Answer:
    return await v4.ask("GET", path, headers=headers or {})


async def shown(v4: V4, path: str) -> list[Read]:
    answer = await feed(v4, path)
    assert answer.status == 200, answer.text
    return read(answer.text.encode())


def uids(events: list[Read], status: str) -> set[str]:
    return {event.uid for event in events if event.status == status}


async def opened(v4: V4, path: str) -> tuple[str, str]:
    """A new token of the feed at this path: its id, and the path that it opens."""
    made = await v4.made(f"{path}/feed_tokens", None)
    assert made["url"].startswith(str(v4.api.client.make_url("/api/v4")))
    return made["id"], made["url"].partition("/api/v4")[2]


async def test_behind_a_proxy_the_feeds_address_is_what_its_client_sees(v4: V4) -> None:
    team, _ = await team_of(v4)
    for said, scheme in (("https", "https"), ("HTTPS, http", "https"), ("gopher", "http")):
        headers = {"X-Forwarded-Proto": said, "Host": "bells.example"}
        made = await v4.ask("POST", f"/schedules/{team.schedule_id}/feed_tokens", headers=headers)

        assert made.json["url"].startswith(
            f"{scheme}://bells.example/api/v4/schedules/{team.schedule_id}.ics?token=cf_"
        )


def stranger(v4: V4) -> V4:
    """Somebody without a key."""
    return V4(Api(v4.api.client, v4.api.clock))


async def test_a_schedules_feed_is_its_window_of_shifts(v4: V4) -> None:
    team, event_id = await team_of(v4)
    answer = await feed(v4, f"/schedules/{team.schedule_id}.ics")
    found = read(answer.text.encode())

    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{team.schedule_id}.ics"'
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert str(Calendar.from_ical(answer.text)["X-WR-CALNAME"]) == "Core"
    window = await team.window("start=2030-02-16T00:00:00Z&end=2031-03-18T00:00:00Z")
    assert [(each.start.isoformat(), each.people[0]) for each in found] == [
        (f"{start[:10]}T16:00:00+00:00", name) for start, _, name in window
    ]
    assert [each.uid for each in found][:2] == [
        f"{event_id}-0-{team.people['Ada']}@carillon",
        f"{event_id}-1-{team.people['Ben']}@carillon",
    ]


async def test_somebodys_feed_is_theirs_on_every_schedule(v4: V4) -> None:
    team, _ = await team_of(v4)
    second = await v4.schedule(name="Second")
    await team.event("Ada", **TURNS | {"rotation": False, "layer": 2, "schedule_ids": [second["id"]]})
    await team.event("Ada", **TURNS | {"rotation": False, "schedule_ids": []})

    found = await shown(v4, f"/account_users/{team.people['Ada']}.ics")
    assert {each.summary for each in found} == {"On call: Core (layer 1)", "On call: Second (layer 2)"}
    assert {each.people for each in found} == {("Ada",)}
    assert len(found) == 5 + 10


async def test_the_rules_are_read_with_the_key(v4: V4) -> None:
    team, event_id = await team_of(v4)
    answer = await feed(v4, f"/schedules/{team.schedule_id}/rules.ics")
    found = read(answer.text.encode())

    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert [(each.uid, each.summary, each.rule[:21]) for each in found] == [
        (f"{event_id}-0@carillon", "Ada", "FREQ=DAILY;UNTIL=2030"),
        (f"{event_id}-1@carillon", "Ben", "FREQ=DAILY;UNTIL=2030"),
    ]
    again = await feed(v4, f"/schedules/{team.schedule_id}/rules.ics", {"If-None-Match": answer.headers["ETag"]})
    assert (again.status, again.text) == (304, "")
    _, path = await opened(v4, f"/schedules/{team.schedule_id}")
    token = path.partition("?")[2]
    assert (await feed(stranger(v4), f"/schedules/{team.schedule_id}/rules.ics?{token}")).status == 401


async def test_a_program_that_has_the_feed_is_told_so_until_something_changes(v4: V4, clock: StandingClock) -> None:
    team, event_id = await team_of(v4)
    path = f"/schedules/{team.schedule_id}.ics"
    first = await feed(v4, path)
    clock.moment += HOUR
    again = await feed(v4, path, {"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.text, again.headers["ETag"]) == (304, "", first.headers["ETag"])
    assert again.headers["Cache-Control"] == "private, no-cache"

    await v4.ask("PATCH", f"/account_users/{team.people['Ben']}", {"name": "Benjamin"})
    renamed = await feed(v4, path, {"If-None-Match": first.headers["ETag"]})
    assert renamed.status == 200
    assert "SUMMARY:Benjamin" in renamed.text
    await v4.ask("PATCH", f"/events/{event_id}", {"layer": 3})
    assert (await feed(v4, path, {"If-None-Match": renamed.headers["ETag"]})).status == 200


async def test_a_token_opens_its_feed_and_no_other(v4: V4) -> None:
    team, _ = await team_of(v4)
    own, other = f"/schedules/{team.schedule_id}", f"/schedules/{(await v4.schedule())['id']}"
    ada = f"/account_users/{team.people['Ada']}"
    _, path = await opened(v4, own)
    nobody, token = stranger(v4), path.partition("?")[2]

    assert (await feed(nobody, path)).text == (await feed(v4, f"{own}.ics")).text
    prefix_id = (await v4.ask("GET", own)).json["prefix_id"]
    assert (await feed(nobody, f"/schedules/{prefix_id}.ics?{token}")).status == 200
    for wrong in (
        f"{other}.ics?{token}",
        f"{ada}.ics?{token}",
        f"{own}.ics?{token}x",
        f"{own}.ics?token=",
        f"{own}.ics",
    ):
        refused = await feed(nobody, wrong)
        assert (refused.status, len(problems(refused))) == (401, 1), wrong
    assert (await feed(v4, f"{own}.ics?token=wrong")).status == 401
    assert (await nobody.ask("GET", f"{own}?{token}")).status == 401


async def test_a_token_is_told_to_nobody_who_measures(v4: V4) -> None:
    _, path = await opened(v4, f"/schedules/{(await v4.schedule())['id']}")
    for method in ("GET", "HEAD"):
        assert (await stranger(v4).ask(method, path)).status == 200

    measured = (await v4.api.get("/metrics")).text
    assert 'route="/api/v4/schedules/{id}.ics"' in measured
    assert path.partition("token=")[2] not in measured


async def test_another_applications_feeds_are_nowhere(v4: V4) -> None:
    team, _ = await team_of(v4)
    own = f"/schedules/{team.schedule_id}"
    token_id, _ = await opened(v4, own)
    other = await v4.other()
    theirs = f"/schedules/{(await other.schedule())['id']}"
    _, their_path = await opened(other, theirs)

    assert (await feed(stranger(v4), f"{own}.ics?{their_path.partition('?')[2]}")).status == 401
    for path in (f"{own}.ics", f"{own}/rules.ics", f"/account_users/{team.people['Ada']}.ics", f"{own}/feed_tokens"):
        assert (await feed(other, path)).status == 404
    assert (await other.ask("POST", f"{own}/feed_tokens")).status == 404
    assert (await other.ask("DELETE", f"{own}/feed_tokens/{token_id}")).status == 404
    assert (await other.ask("DELETE", f"{theirs}/feed_tokens/{token_id}")).status == 404


async def test_a_token_that_is_revoked_opens_nothing_at_once(v4: V4) -> None:
    team, _ = await team_of(v4)
    ada = f"/account_users/{team.people['Ada']}"
    token_id, path = await opened(v4, ada)
    kept_id, kept = await opened(v4, ada)
    listed = (await v4.ask("GET", f"{ada}/feed_tokens")).json
    assert [each["id"] for each in listed["data"]] == sorted([token_id, kept_id], reverse=True)
    assert {tuple(each) for each in listed["data"]} == {("id", "created_at")}
    assert (await feed(stranger(v4), path)).status == 200

    assert (await v4.ask("DELETE", f"{ada}/feed_tokens/{token_id}")).status == 204
    assert (await feed(stranger(v4), path)).status == 401
    assert (await feed(stranger(v4), kept)).status == 200
    assert (await v4.ask("DELETE", f"{ada}/feed_tokens/{token_id}")).status == 404
    assert (await v4.ask("DELETE", f"{ada}/feed_tokens/nonsense")).status == 404


async def test_a_token_goes_with_its_schedule(v4: V4) -> None:
    team, _ = await team_of(v4)
    _, path = await opened(v4, f"/schedules/{team.schedule_id}")
    assert (await feed(stranger(v4), path)).status == 200
    assert (await v4.ask("DELETE", f"/schedules/{team.schedule_id}")).status == 204
    assert (await feed(stranger(v4), path)).status == 401


async def test_a_feed_has_so_many_tokens_and_no_more(v4: V4) -> None:
    path = f"/schedules/{(await v4.schedule())['id']}"
    for _ in range(limits.FEED_TOKENS):
        await opened(v4, path)
    refused = await v4.ask("POST", f"{path}/feed_tokens")
    assert (refused.status, len(problems(refused))) == (409, 1)


async def test_of_a_token_its_hash_is_kept_alone(v4: V4, database: Database) -> None:
    _, path = await opened(v4, f"/schedules/{(await v4.schedule())['id']}")
    token = path.partition("token=")[2]
    assert len(token) >= 43
    async with database.connection() as c:
        rows = await c.fetch("select * from feed_token")
    assert token not in str([dict(row) for row in rows])
    assert {len(row["token_hash"]) for row in rows} == {32}


async def test_what_a_program_has_seen_and_is_gone_is_cancelled(v4: V4, clock: StandingClock) -> None:
    team, event_id = await team_of(v4)
    path = f"/schedules/{team.schedule_id}.ics"
    before = uids(await shown(v4, path), "CONFIRMED")

    await v4.ask("POST", f"/events/{event_id}/add_exception", {"action_time": "2030-03-19T09:00:00-07:00"})
    gone = f"{event_id}-8-{team.people['Ada']}@carillon"
    found = await shown(v4, path)
    assert uids(found, "CONFIRMED") == before - {gone}
    assert uids(found, "CANCELLED") == {gone}
    assert await shown(v4, path) == found

    await v4.ask("PUT", f"/events/{event_id}", {"exceptions": []})
    found = await shown(v4, path)
    assert (uids(found, "CONFIRMED"), uids(found, "CANCELLED")) == (before, set())

    await v4.ask("DELETE", f"/events/{event_id}")
    found = await shown(v4, path)
    assert (uids(found, "CONFIRMED"), uids(found, "CANCELLED")) == (set(), before)
    clock.moment += 25 * DAY
    found = await shown(v4, path)
    assert uids(found, "CANCELLED") < before  # the others are further back than a feed reaches
    clock.moment += 5 * DAY
    assert await shown(v4, path) == []


async def test_what_nobody_has_seen_is_not_cancelled(v4: V4) -> None:
    team, event_id = await team_of(v4)
    await v4.ask("DELETE", f"/events/{event_id}")
    assert await shown(v4, f"/schedules/{team.schedule_id}.ics") == []


async def test_every_feed_remembers_by_itself(v4: V4) -> None:
    team, event_id = await team_of(v4)
    ada, ben = (f"/account_users/{team.people[name]}.ics" for name in ("Ada", "Ben"))
    mine = uids(await shown(v4, ada), "CONFIRMED")
    await v4.ask("PUT", f"/events/{event_id}", {"account_user_ids": team.users("Ben")})

    assert uids(await shown(v4, ada), "CANCELLED") == mine
    assert uids(await shown(v4, ben), "CANCELLED") == set()
    assert uids(await shown(v4, f"/schedules/{team.schedule_id}.ics"), "CANCELLED") == set()
