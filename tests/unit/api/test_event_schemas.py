"""Events as they are asked for and changed: every field's refusals, all at once, in the order of the fields."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from api_service.schemas.events import ANSWER, NewEvent, read_changes, read_new_event, show_event
from api_service.schemas.json_text import write_json
from shared.domain.egress import Egress
from shared.domain.errors import InvalidInput
from shared.domain.event import Event, Status
from shared.timing.instants import Instant

NOW: Instant = 1_900_000_000_000
SENT: dict[str, Any] = {
    "eventOwner": "user@example.com",
    "endDate": "2030-09-02T05:11:59.708Z",
    "interval": "* * * 1 * *",
    "callbackUrl": "https://api.yourapi.com",
    "context": {"user": 12345},
    "tags": ["prod"],
}


def _nested(levels: int) -> Any:
    value: Any = "end"
    for _ in range(levels):
        value = {"a": value}
    return value


def _problems(sent: Any) -> list[str]:
    with pytest.raises(InvalidInput) as refused:
        read_new_event(sent, NOW)
    return list(refused.value.problems)


def test_the_specifications_example_is_understood() -> None:
    assert read_new_event(SENT, NOW) == NewEvent(
        event_owner="user@example.com",
        end_date=1_914_556_319_708,
        interval="* * * 1 * *",
        callback_url="https://api.yourapi.com",
        context={"user": 12345},
        tags=("prod",),
        timezone="UTC",
        start_date=None,
    )


def test_what_is_optional_may_be_left_out() -> None:
    new = read_new_event({name: SENT[name] for name in ("eventOwner", "endDate", "interval", "callbackUrl")}, NOW)

    assert (new.context, new.tags, new.timezone, new.start_date) == ({}, (), "UTC", None)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("eventOwner", "user", "eventOwner should be an e-mail address, e.g. user@example.com"),
        ("eventOwner", "", "eventOwner should have 1 to 254 characters"),
        ("eventOwner", "a" * 243 + "@example.com", "eventOwner should have 1 to 254 characters"),
        ("eventOwner", 7, "eventOwner should be a string"),
        ("eventOwner", None, "eventOwner should not be null"),
        ("eventOwner", ["user@example.com"], "eventOwner should be a string"),
        ("endDate", "2030-03-17T17:46:40.000Z", "endDate should be in the future"),
        ("endDate", "2020-01-01T00:00:00Z", "endDate should be in the future"),
        (
            "endDate",
            "2030-09-02",
            "endDate should be an ISO 8601 date with time and offset, e.g. 2030-09-02T05:11:59.708Z",
        ),
        ("endDate", "2030-09-02T05:11:59", "endDate needs an offset or Z, e.g. 2030-09-02T05:11:59.708Z"),
        ("endDate", "2030-02-30T05:11:59Z", "endDate is not a date that exists"),
        ("endDate", "0001-01-01T00:00:00Z", "endDate should lie in the years 1970 to 9999"),
        ("endDate", 1914556319708, "endDate should be a string"),
        ("endDate", None, "endDate should not be null"),
        ("startDate", "2031-01-01T00:00:00Z", "startDate should be before endDate"),
        ("startDate", True, "startDate should be a string"),
        ("eventOwner", '"a\x0bx"@example.com', "eventOwner should have no control characters"),
        ("interval", "61 * * * * *", "interval is not a valid cron expression: "),
        ("interval", "", "interval is not a valid cron expression: "),
        ("interval", "* * * * * * *", "interval is not a valid cron expression: "),
        ("interval", "0 0 31 2 *", "interval is not a valid cron expression: "),
        ("interval", "*" * 2000, "interval is not a valid cron expression: "),
        ("interval", 5, "interval should be a string"),
        ("timezone", "Berlin", "timezone is not an IANA time zone: "),
        ("timezone", "../../etc/passwd", "timezone is not an IANA time zone: "),
        ("timezone", "x" * 65, "timezone should have 1 to 64 characters"),
        ("timezone", None, "timezone should not be null"),
        ("callbackUrl", "ftp://example.com", "callbackUrl should begin with http:// or https://"),
        ("callbackUrl", "https://u:p@example.com", "callbackUrl should hold no user name or password"),
        ("callbackUrl", "https://example.com/" + "a" * 2048, "callbackUrl should have 1 to 2048 characters"),
        ("callbackUrl", {}, "callbackUrl should be a string"),
        ("context", [], "context should be a JSON object"),
        ("context", "{}", "context should be a JSON object"),
        ("context", None, "context should not be null"),
        ("context", _nested(33), "context should be nested at most 32 levels deep"),
        ("context", {"a": list(range(1001))}, "context should have at most 1000 values"),
        ("tags", "prod", "tags should be an array of strings"),
        ("tags", ["prod", ""], "tags[1] should have 1 to 128 characters"),
        ("tags", ["x" * 129], "tags[0] should have 1 to 128 characters"),
        ("tags", [1], "tags[0] should be a string"),
        ("tags", [None], "tags[0] should not be null"),
        ("tags", ["a", "a"], "tags should have no item twice"),
        ("tags", [str(n) for n in range(33)], "tags should have at most 32 items"),
        ("eventId", "01Q9GD6E00HTEBQW40SS57866H", "eventId is read-only: the service sets it; leave it out"),
        ("status", "PAUSED", "status is read-only: leave it out and use /pause and /resume"),
        ("createdDate", None, "createdDate is read-only"),
        ("updatedDate", 1, "updatedDate is read-only"),
        ("nextRunDate", 1, "nextRunDate is read-only"),
        ("lastRunDate", 1, "lastRunDate is read-only"),
        ("version", 1, "version is read-only"),
        ("event_owner", "a", "event_owner is not known here; known are eventOwner, endDate, interval, "),
        ("_schema", 1, "the body is not known here"),
        ("x" * 5000, 1, "x" * 64 + " is not known here"),
    ],
)
def test_each_refusal_names_its_field(field: str, value: Any, said: str) -> None:
    problems = _problems(SENT | {field: value})

    assert len(problems) == 1
    assert problems[0].startswith(said)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("context", _nested(32)),
        ("context", {"a": list(range(1000))}),
        ("context", {}),
        ("tags", [f"{n:0128}" for n in range(32)]),
        ("callbackUrl", "https://example.com/" + "a" * 2028),
        ("eventOwner", "a@b.example"),
        ("startDate", "2030-09-02T05:11:59.707Z"),
        ("startDate", None),
        ("startDate", "2000-01-01T00:00:00Z"),
        ("interval", "@daily"),
        ("interval", "H H * * *"),
    ],
)
def test_what_is_within_the_limits_is_taken(field: str, value: Any) -> None:
    read_new_event(SENT | {field: value}, NOW)


def test_a_time_zone_is_spelled_as_iana_does() -> None:
    assert read_new_event(SENT | {"timezone": "europe/berlin"}, NOW).timezone == "Europe/Berlin"


def test_every_problem_is_told_at_once_in_the_order_of_the_fields() -> None:
    problems = _problems({"tags": [1, ""], "endDate": "2020-01-01T00:00:00Z", "interval": "x", "nope": 1, "status": 1})

    assert [problem.split()[0] for problem in problems] == [
        "eventOwner", "endDate", "interval", "callbackUrl", "tags[0]", "tags[1]", "nope", "status",
    ]  # fmt: skip


def test_very_many_problems_are_counted() -> None:
    problems = _problems({f"field{n}": 1 for n in range(5000)})

    assert len(problems) == 101
    assert problems[-1] == "and 4904 more problems"


@pytest.mark.parametrize("sent", [[], "text", 1, None, True, [SENT]])
def test_the_body_is_an_object(sent: Any) -> None:
    assert _problems(sent) == ["the body should be a JSON object"]


def test_a_change_takes_any_fields_or_none() -> None:
    assert read_changes({}, NOW).given == frozenset()
    changes = read_changes({"tags": ["a"], "startDate": None}, NOW)
    assert (changes.given, changes.tags, changes.start_date) == (frozenset({"tags", "start_date"}), ("a",), None)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("eventOwner", "a@b.example", "eventOwner cannot be changed; create another event instead"),
        ("eventId", "x", "eventId is read-only"),
        ("status", "PAUSED", "status is read-only"),
        ("endDate", "2020-01-01T00:00:00Z", "endDate should be in the future"),
        ("endDate", None, "endDate should not be null"),
        ("interval", None, "interval should not be null"),
        ("color", "red", "color is not known here; known are endDate, interval, "),
    ],
)
def test_a_change_is_refused_by_the_same_rules(field: str, value: Any, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_changes({field: value}, NOW)

    assert len(refused.value.problems) == 1
    assert refused.value.problems[0].startswith(said)


@pytest.mark.parametrize("last_run_date", [None, NOW - 5])
def test_an_event_is_shown_as_the_schema_says(last_run_date: Instant | None) -> None:
    event = Event(
        event_id="01Q9GD6E00HTEBQW40SS57866H",
        application_id=1,
        shard=2,
        version=3,
        status=Status.ACTIVE,
        event_owner="user@example.com",
        interval="0 * * * *",
        timezone="UTC",
        start_date=None,
        end_date=NOW + 86_400_000,
        callback_url="https://api.yourapi.com",
        context={"user": 12345},
        tags=("prod",),
        created_date=NOW,
        updated_date=NOW,
        anchor=NOW,
        last_run_date=last_run_date,
    )
    delivery = {
        "retry_policy": {
            "max_attempts": 5,
            "initial_interval_seconds": 1,
            "max_interval_seconds": 300,
            "backoff_coefficient": 2.0,
        },
        "timeout_seconds": 30,
        "misfire_policy": "latest",
        "misfire_grace_seconds": 86_400,
        "overlap_policy": "allow",
        "spread_seconds": 0,
        "header_names": [],
    }
    due = 1_900_000_800_000
    of_now = {"next_run_date": due, "next_run_effective_date": due}
    shown = show_event(event, NOW)

    told = {name: value for name, value in asdict(event).items() if name != "schedule_id"}
    assert write_json(shown) == write_json(ANSWER.dump({**told, **delivery, **of_now}))


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f.1", "[::ffff:127.0.0.1]", "localhost"])
def test_a_target_that_is_known_to_be_refused_is_refused_at_once(host: str) -> None:
    sent = SENT | {"callbackUrl": f"http://{host}:80/x"}
    with pytest.raises(InvalidInput) as refused:
        read_new_event(sent, NOW)

    (said,) = refused.value.problems
    assert said.startswith(
        "callbackUrl leads to a loopback address (127.0.0.1), which this installation does not call; "
    )
    with pytest.raises(InvalidInput):
        read_changes({"callbackUrl": sent["callbackUrl"]}, NOW)
    read_new_event(sent, NOW, Egress.of("127.0.0.0/8,::1"))
