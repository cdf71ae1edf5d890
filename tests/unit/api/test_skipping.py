"""What a pause swallowed: each occurrence once, and those that may yet turn out to have rung each on its own."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from api_service.usecases.skipping import ON_ITS_WAY_MS, WAITING_MS, skipped_by_change, skipped_in_pause
from shared.domain.delivery import DEFAULT, Delivery
from shared.domain.event import Event, Status, offset_of
from shared.timing import cron
from shared.timing.instants import Instant
from shared.timing.zones import zone

BEGIN: Instant = 1_900_000_000_000
SECOND = 1_000
HOUR = 3_600 * SECOND
PAUSED = Event(
    event_id="01Q9GD6E00HTEBQW40SS57866H",
    application_id=1,
    shard=0,
    version=1,
    status=Status.PAUSED,
    event_owner="user@example.com",
    interval="* * * * * *",
    timezone="UTC",
    start_date=None,
    end_date=BEGIN + 1_000 * HOUR,
    callback_url="https://api.yourapi.com",
    context={},
    tags=(),
    created_date=BEGIN,
    updated_date=BEGIN + HOUR,
    anchor=BEGIN,
    settled_through=BEGIN + HOUR - 3 * SECOND,
)


def shown(event: Event, now: Instant) -> list[tuple[int, int, int]]:
    """First and last, in seconds since the pause began, and how many."""
    begun = event.updated_date
    return [
        ((skip.first - begun) // SECOND, (skip.last - begun) // SECOND, skip.count)
        for skip in skipped_in_pause(event, now)
    ]


def test_what_was_under_way_as_the_pause_began_stands_alone() -> None:
    assert shown(PAUSED, BEGIN + 2 * HOUR) == [
        (-2, -2, 1), (-1, -1, 1), (0, 0, 1), (1, 1, 1), (2, 2, 1), (3, 3600, 3598),
    ]  # fmt: skip


def test_what_was_missed_long_before_the_pause_is_one_stretch() -> None:
    event = replace(PAUSED, settled_through=None)

    assert shown(event, BEGIN + 2 * HOUR)[0] == (-3599, -90, 3510)


def test_a_pause_in_which_nothing_was_due_swallowed_nothing() -> None:
    assert shown(replace(PAUSED, interval="0 0 0 1 1 *"), BEGIN + 2 * HOUR) == []


def test_of_a_slow_receiver_more_may_be_under_way() -> None:
    event = replace(PAUSED, settled_through=None, delivery=Delivery(timeout_ms=60_000))

    assert shown(event, BEGIN + 2 * HOUR)[0] == (-3599, -120, 3480)


def test_of_occurrences_that_ring_later_than_they_are_nominal_earlier_ones_may_be_under_way() -> None:
    event = replace(PAUSED, settled_through=None, delivery=Delivery(spread_ms=HOUR // 2))
    later = offset_of(event)

    alone = [skip.first for skip in skipped_in_pause(event, BEGIN + 2 * HOUR) if skip.count == 1]

    assert 0 < later < HOUR // 2
    assert event.updated_date - later - WAITING_MS - DEFAULT.timeout_ms < alone[0]
    assert alone[-1] <= event.updated_date - later + ON_ITS_WAY_MS
    assert len(alone) == 92


def test_the_latest_one_may_be_under_way_however_late_it_is() -> None:
    event = replace(PAUSED, interval="0 */10 * * * *", updated_date=BEGIN + HOUR)

    skips = list(skipped_in_pause(replace(event, settled_through=None), BEGIN + HOUR))

    assert [skip.count for skip in skips] == [5, 1]


def test_a_change_accounts_for_what_was_due_before_it_and_what_may_be_under_way_stands_alone() -> None:
    running = replace(PAUSED, status=Status.ACTIVE)
    now = BEGIN + HOUR + 500

    skips = list(skipped_by_change(replace(running, settled_through=BEGIN + HOUR - 100 * SECOND), now, now))

    assert sum(skip.count for skip in skips) == 100
    assert [skip.count for skip in skips if skip.count > 1] == [10]
    assert skips[-1].last == BEGIN + HOUR
    assert list(skipped_by_change(replace(running, settled_through=BEGIN + HOUR), now, now)) == []


@given(
    interval=st.sampled_from(["* * * * * *", "*/7 * * * * *", "0 * * * * *"]),
    settled=st.one_of(st.none(), st.integers(0, 3 * HOUR)),
    begun=st.integers(0, HOUR),
    end=st.integers(1, 3 * HOUR),
    now=st.integers(HOUR, 3 * HOUR),
)
def test_every_occurrence_is_accounted_for_once(
    interval: str, settled: int | None, begun: int, end: int, now: int
) -> None:
    event = replace(
        PAUSED,
        interval=interval,
        settled_through=None if settled is None else BEGIN + settled,
        updated_date=BEGIN + begun,
        end_date=BEGIN + end,
    )
    skips = list(skipped_in_pause(event, BEGIN + now))

    rule, clock = cron.parse(interval), zone("UTC")
    since, through = BEGIN + (settled or 0), min(BEGIN + now, event.end_date - 1)
    assert sum(skip.count for skip in skips) == cron.count_between(rule, clock, since, through)
    assert all(since < skip.first <= skip.last <= through for skip in skips)
    assert all(one.last < other.first for one, other in pairwise(skips))
    under_way = WAITING_MS + DEFAULT.timeout_ms
    doubtful = range(event.updated_date - under_way + 1, event.updated_date + ON_ITS_WAY_MS + 1)
    assert all(skip.count == 1 for skip in skips if skip.first in doubtful)
