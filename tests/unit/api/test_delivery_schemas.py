"""How an event is to be delivered, as it is asked for: every refusal by name, defaults, and nothing of a secret."""

from __future__ import annotations

from typing import Any

import pytest

from api_service.schemas.events import read_changes, read_new_event, show_event
from shared.domain.delivery import DEFAULT, Delivery, MisfirePolicy, OverlapPolicy, RetryPolicy
from shared.domain.errors import InvalidInput
from shared.domain.event import changed, offset_of, paused
from tests.integration.store.scene import event
from tests.unit.api.test_event_schemas import NOW, SENT

ALL: dict[str, Any] = {
    "retryPolicy": {
        "maxAttempts": 100,
        "initialIntervalSeconds": 86_400,
        "maxIntervalSeconds": 86_400,
        "backoffCoefficient": 1.5,
    },
    "timeoutSeconds": 120,
    "misfirePolicy": "all",
    "misfireGraceSeconds": 31_536_000,
    "overlapPolicy": "skip",
    "spreadSeconds": 3600,
    "headers": {"x-b": "two words", "Authorization": "Bearer s3cret"},
}
MEANT = Delivery(
    retry=RetryPolicy(
        max_attempts=100, initial_interval_ms=86_400_000, max_interval_ms=86_400_000, backoff_coefficient=1.5
    ),
    timeout_ms=120_000,
    misfire_policy=MisfirePolicy.ALL,
    misfire_grace_ms=31_536_000_000,
    overlap_policy=OverlapPolicy.SKIP,
    spread_ms=3_600_000,
    headers=(("Authorization", "Bearer s3cret"), ("x-b", "two words")),
)
RESERVED = [
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
    "trailer", "transfer-encoding", "upgrade", "host", "content-length", "content-type",
    "content-encoding", "accept-encoding", "expect", "user-agent", "date", "webhook-id",
    "webhook-signature", "webhook-anything", "carillon-epoch", "carillon-x",
]  # fmt: skip


def refusals(field: str, value: Any) -> list[str]:
    """What both a creation and a change say of it, which is the same."""
    with pytest.raises(InvalidInput) as of_creation:
        read_new_event(SENT | {field: value}, NOW)
    with pytest.raises(InvalidInput) as of_change:
        read_changes({field: value}, NOW)
    assert of_creation.value.problems == of_change.value.problems
    return list(of_creation.value.problems)


def test_everything_can_be_asked_for() -> None:
    assert read_new_event(SENT | ALL, NOW).delivery == MEANT


def test_what_is_left_out_is_the_default() -> None:
    assert read_new_event(SENT, NOW).delivery == DEFAULT
    assert read_new_event(SENT | {"retryPolicy": {}, "headers": {}}, NOW).delivery == DEFAULT
    partly = read_new_event(SENT | {"retryPolicy": {"maxAttempts": 1}, "timeoutSeconds": 1}, NOW).delivery
    assert partly == Delivery(retry=RetryPolicy(max_attempts=1), timeout_ms=1_000)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("retryPolicy", None, "retryPolicy should not be null"),
        ("retryPolicy", 5, "retryPolicy should be a JSON object"),
        ("retryPolicy", {"attempts": 5}, "retryPolicy.attempts is not known here; known are maxAttempts, "),
        ("retryPolicy", {"maxAttempts": 0}, "retryPolicy.maxAttempts should be a whole number from 1 to 100"),
        ("retryPolicy", {"maxAttempts": 101}, "retryPolicy.maxAttempts should be a whole number from 1 to 100"),
        ("retryPolicy", {"maxAttempts": True}, "retryPolicy.maxAttempts should be a whole number from 1 to 100"),
        ("retryPolicy", {"maxAttempts": None}, "retryPolicy.maxAttempts should not be null"),
        ("retryPolicy", {"initialIntervalSeconds": 0}, "retryPolicy.initialIntervalSeconds should be a whole number"),
        ("retryPolicy", {"initialIntervalSeconds": 1.5}, "retryPolicy.initialIntervalSeconds should be a whole number"),
        ("retryPolicy", {"maxIntervalSeconds": 86_401}, "retryPolicy.maxIntervalSeconds should be a whole number from"),
        ("retryPolicy", {"backoffCoefficient": 0.99}, "retryPolicy.backoffCoefficient should be a number from 1 to 10"),
        ("retryPolicy", {"backoffCoefficient": 10.1}, "retryPolicy.backoffCoefficient should be a number from 1 to 10"),
        ("retryPolicy", {"backoffCoefficient": "2"}, "retryPolicy.backoffCoefficient should be a number from 1 to 10"),
        ("retryPolicy", {"backoffCoefficient": True}, "retryPolicy.backoffCoefficient should be a number from 1 to 10"),
        (
            "retryPolicy",
            {"initialIntervalSeconds": 3, "maxIntervalSeconds": 2},
            "retryPolicy.initialIntervalSeconds should be at most maxIntervalSeconds, which is 2",
        ),
        ("timeoutSeconds", 0, "timeoutSeconds should be a whole number from 1 to 120"),
        ("timeoutSeconds", 121, "timeoutSeconds should be a whole number from 1 to 120"),
        ("timeoutSeconds", None, "timeoutSeconds should not be null"),
        ("misfirePolicy", "some", "misfirePolicy should be one of latest, skip, all"),
        ("misfirePolicy", "LATEST", "misfirePolicy should be one of latest, skip, all"),
        ("misfirePolicy", 1, "misfirePolicy should be a string"),
        ("misfireGraceSeconds", 0, "misfireGraceSeconds should be a whole number from 1 to 31536000"),
        ("misfireGraceSeconds", 31_536_001, "misfireGraceSeconds should be a whole number from 1 to 31536000"),
        ("overlapPolicy", "queue", "overlapPolicy should be one of allow, skip"),
        ("spreadSeconds", -1, "spreadSeconds should be a whole number from 0 to 3600"),
        ("spreadSeconds", 3601, "spreadSeconds should be a whole number from 0 to 3600"),
        ("headers", None, "headers should not be null"),
        ("headers", ["a"], "headers should be an object of header names and values"),
        ("headers", {f"x-{n}": "v" for n in range(21)}, "headers should have at most 20 names"),
        ("headers", {"x y": "v"}, "headers.x y is not a header's name"),
        ("headers", {"": "v"}, "headers. is not a header's name"),
        ("headers", {"x:": "v"}, "headers.x: is not a header's name"),
        ("headers", {"grüße": "v"}, "headers.grüße is not a header's name"),
        ("headers", {"x" * 65: "v"}, f"headers.{'x' * 64} is not a header's name: 1 to 64"),
        ("headers", {"x-a": 1}, "headers.x-a should have a string as its value"),
        ("headers", {"x-a": None}, "headers.x-a should have a string as its value"),
        *(
            ("headers", {"x-a": value}, "headers.x-a should have a value of 1 to 1024 visible ASCII characters")
            for value in ("", " v", "v ", "\tv", "a  b", "a \tb", "a\nb", "a\r\nx-c: d", "ü", "\x7f", "v" * 1025)
        ),
        (
            "headers",
            {f"x-{n}": "v" * 1024 for n in range(5)},
            "headers should have values of at most 4096 characters together",
        ),
        ("headerNames", ["x-a"], "headerNames is read-only: it shows what headers are called; leave it out and send"),
        ("nextRunEffectiveDate", None, "nextRunEffectiveDate is read-only"),
        ("pausedReason", "client", "pausedReason is read-only: leave it out and use /pause and /resume"),
    ],
)
def test_each_refusal_names_its_field(field: str, value: Any, said: str) -> None:
    problems = refusals(field, value)

    assert len(problems) == 1
    assert problems[0].startswith(said)


@pytest.mark.parametrize("name", RESERVED)
def test_headers_that_are_not_the_clients_are_refused_with_the_reason(name: str) -> None:
    for spelled in (name, name.upper()):
        (problem,) = refusals("headers", {spelled: "v"})

        assert problem.startswith(f"headers.{spelled} ")
        assert problem.endswith(("leave it out", "rename it"))


def test_a_header_is_named_once() -> None:
    problems = refusals("headers", {"X-A": "1", "x-b": "2", "x-a": "3"})

    assert [problem.split()[0] for problem in problems] == ["headers.X-A", "headers.x-a"]


@pytest.mark.parametrize(
    "headers",
    [
        {f"x-{n}": "v" * 204 for n in range(20)},
        {f"x-{n}": "v" * 1024 for n in range(4)},
        {"x" * 64: "a b\tc", "!#$%&'*+-.^_`|~09azAZ": "~"},
        {"Cookie": "a=b; c=d", "Authorization": "Bearer x", "_schema": "v"},
    ],
)
def test_what_is_within_the_limits_is_taken(headers: dict[str, str]) -> None:
    assert dict(read_new_event(SENT | {"headers": headers}, NOW).delivery.headers) == headers


def test_every_problem_is_told_at_once_and_nothing_of_a_value() -> None:
    sent = SENT | {
        "interval": "x",
        "retryPolicy": {"maxAttempts": 0, "initialIntervalSeconds": "s3cret", "backoffCoefficient": 11},
        "timeoutSeconds": "s3cret",
        "headers": {"te": "s3cret", "a b": "s3cret  s3cret", "x-c": "s3cret\n"},
        "spreadSeconds": 9999,
    }
    with pytest.raises(InvalidInput) as refused:
        read_new_event(sent, NOW)

    assert [" ".join(problem.split()[:1]) for problem in refused.value.problems] == [
        "interval", "retryPolicy.maxAttempts", "retryPolicy.initialIntervalSeconds", "retryPolicy.backoffCoefficient",
        "timeoutSeconds", "spreadSeconds", "headers.te", "headers.a", "headers.a", "headers.x-c",
    ]  # fmt: skip
    assert "s3cret" not in str(refused.value)


def test_waits_that_do_not_go_together_are_told_with_whatever_else_is_wrong() -> None:
    policy = {"maxAttempts": 0, "initialIntervalSeconds": 3, "maxIntervalSeconds": 2}
    for read in (lambda sent: read_new_event(SENT | sent, NOW), lambda sent: read_changes(sent, NOW)):
        with pytest.raises(InvalidInput) as refused:
            read({"retryPolicy": policy})
        assert {problem.split()[0] for problem in refused.value.problems} == {
            "retryPolicy.maxAttempts",
            "retryPolicy.initialIntervalSeconds",
        }


def test_a_change_leaves_alone_what_it_does_not_name() -> None:
    before = event(1, 1, delivery=MEANT)
    changes = read_changes({"retryPolicy": {"maxAttempts": 2}, "overlapPolicy": "allow"}, NOW)
    after = changed(before, changes, before.created_date + 1).delivery

    assert after.retry == RetryPolicy(
        max_attempts=2, initial_interval_ms=86_400_000, max_interval_ms=86_400_000, backoff_coefficient=1.5
    )
    assert after.overlap_policy is OverlapPolicy.ALLOW
    assert (after.headers, after.spread_ms) == (MEANT.headers, MEANT.spread_ms)


def test_a_change_of_other_fields_is_none_of_the_delivery() -> None:
    before = event(1, 1, delivery=MEANT)

    assert changed(before, read_changes({"tags": ["a"]}, NOW), before.created_date + 1).delivery == MEANT
    assert changed(before, read_changes({"headers": {}}, NOW), before.created_date + 1).delivery.headers == ()


def test_a_spread_keeps_the_series_and_moves_what_is_called_back() -> None:
    before = event(1, 1, end_date=NOW * 2)
    after = changed(before, read_changes({"spreadSeconds": 3600}, NOW), before.created_date + 1)
    shown, spread = (show_event(one, before.created_date + 1) for one in (before, after))

    assert after.anchor == before.anchor
    assert 0 < offset_of(after) < 3_600_000
    assert shown["nextRunEffectiveDate"] == shown["nextRunDate"] == spread["nextRunDate"]
    assert spread["nextRunEffectiveDate"] > spread["nextRunDate"]


def test_names_are_shown_and_values_are_not() -> None:
    shown = show_event(event(1, 1, delivery=MEANT), NOW)

    assert shown["headerNames"] == ["Authorization", "x-b"]
    assert "headers" not in shown
    assert "s3cret" not in repr(shown)
    assert shown["retryPolicy"] == ALL["retryPolicy"]
    assert {name: shown[name] for name in ALL if name not in {"headers", "retryPolicy"}} == {
        name: ALL[name] for name in ALL if name not in {"headers", "retryPolicy"}
    }


def test_why_an_event_is_paused_is_shown_until_it_is_over() -> None:
    one = event(1, 1)
    stopped = paused(one, one.created_date + 1)

    assert show_event(one, one.created_date)["pausedReason"] is None
    assert show_event(stopped, one.created_date + 1)["pausedReason"] == "client"
    assert show_event(stopped, one.end_date)["pausedReason"] is None
