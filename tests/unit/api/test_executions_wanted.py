"""What may be asked of executions: filters, a cursor that is read as it was written, and a range to replay."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_service.schemas.executions_wanted import (
    ExecutionsWanted,
    ReplayWanted,
    cursor_after,
    read_executions_wanted,
    read_replay,
)
from shared.domain.errors import InvalidInput
from shared.domain.firing import Execution
from shared.domain.ids import firing_name, parse_firing_name

TIMER = "01JD8M2Z9T5R0C4V7K3N6P1QXA"
LAST = 253_402_300_799_999
nominals = st.integers(min_value=0, max_value=LAST)


def problems(raw: str) -> list[str]:
    with pytest.raises(InvalidInput) as refused:
        read_executions_wanted(raw)
    return list(refused.value.problems)


def test_nothing_asked_for_is_everything() -> None:
    assert read_executions_wanted("") == ExecutionsWanted(
        statuses=None, since=None, until=None, manual=None, limit=100, before=None
    )


@pytest.mark.parametrize(
    "status", ["status=FAILED&status=SKIPPED", "status[]=FAILED&status[]=SKIPPED", "status[0]=FAILED&status[1]=SKIPPED"]
)
def test_filters_are_read(status: str) -> None:
    raw = f"{status}&from=2030-03-17T17:00:00%2B01:00&to=2030-03-17T17:00:00Z&manual=true&limit=7"

    assert read_executions_wanted(raw) == ExecutionsWanted(
        statuses=frozenset({Execution.FAILED, Execution.SKIPPED}),
        since=1_899_993_600_000,
        until=1_899_997_200_000,
        manual=True,
        limit=7,
        before=None,
    )


def test_every_problem_is_told_at_once() -> None:
    raw = "status=LATE&from=today&manual=1&limit=0&cursor=x&offset=3&nope=1"

    assert [problem.split(" ", 1)[0] for problem in problems(raw)] == [
        "status[0]",
        "from",
        "manual",
        "limit",
        "cursor",
        "offset",
        "nope",
    ]


def test_an_offset_is_refused_with_the_way_out() -> None:
    assert problems("offset=0") == [
        "offset is not taken here, since executions come while you read; send meta.next of the page before as cursor"
    ]


@pytest.mark.parametrize("until", ["2030-03-17T17:00:00Z", "2030-03-17T16:59:59Z"])
def test_a_range_has_an_extent(until: str) -> None:
    assert problems(f"from=2030-03-17T17:00:00Z&to={until}") == ["from should be before to"]
    assert problems(f"limit=0&from=2030-03-17T17:00:00Z&to={until}") == [
        "from should be before to",
        "limit should be a whole number from 1 to 1000",
    ]


@given(nominals, st.booleans())
def test_a_cursor_is_read_as_it_was_written(nominal: int, manual: bool) -> None:
    assert read_executions_wanted(f"cursor={cursor_after(nominal, manual=manual)}").before == (nominal, manual)


def _encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "a",
        "%21",
        "%C3%A4",
        *map(
            _encoded, ("[12]", "[true]", "[12,1]", "[012,true]", "[-1,true]", "[12,true,1]", "[12, true]", "[12,true] ")
        ),
        *map(_encoded, (f"[{LAST + 1},true]", "[" + "9" * 40 + ",true]", '["12",true]', "[true,true]", "12", "{}")),
        _encoded("[12,true]").replace("W", "%20W"),
        _encoded("[12,true]") + "%3D",
        "a" * 257,
    ],
)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    assert len(problems(f"cursor={cursor}")) == 1


def test_a_replay_is_of_a_range() -> None:
    asked = {"from": "2030-03-17T17:00:00Z", "to": "2030-03-17T18:00:00Z"}

    assert read_replay(asked) == ReplayWanted(since=1_899_997_200_000, until=1_900_000_800_000, dry_run=False)
    assert read_replay({**asked, "dryRun": True}).dry_run


def test_every_problem_with_a_replay_is_told_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        read_replay({"to": "x", "dryRun": 3, "status": "FAILED"})

    assert [problem.split(" ", 1)[0] for problem in refused.value.problems] == ["from", "to", "dryRun", "status"]


@given(nominals, st.booleans())
def test_the_name_of_a_firing_is_read_as_it_was_written(nominal: int, manual: bool) -> None:
    assert parse_firing_name(firing_name(TIMER, nominal, manual=manual)) == (TIMER, nominal, manual)


@pytest.mark.parametrize(
    "name",
    [
        "",
        TIMER,
        f"{TIMER}-",
        f"{TIMER}-01",
        f"{TIMER}--1",
        f"{TIMER}-1-auto",
        f"{TIMER}-1-manual-",
        f"{TIMER.lower()}-1",
        f"{TIMER}-{LAST + 1}",
        f"{TIMER}-١",
        f"{TIMER}-1\n",
    ],
)
def test_what_is_no_name_of_a_firing_is_none(name: str) -> None:
    assert parse_firing_name(name) is None
