"""What is left of a stretch of skipped occurrences goes by the rule that it is of, and by no other of the event."""

from __future__ import annotations

import pytest

from api_service.store.stretches import Stretch, behind
from shared.domain.firing import SkipReason
from shared.domain.series import cron_series

MINUTE = 1_800_000_000_000 // 60_000 * 60_000


def at(second: int) -> int:
    return MINUTE + second * 1_000


def stretch(first: int, last: int, count: int) -> Stretch:
    return Stretch(event_id="e", first=at(first), last=at(last), count=count, reason=SkipReason.MISFIRED)


@pytest.mark.parametrize(
    ("later", "told", "taken", "rest"),
    [
        ("*/5 * * * * *", (18, 21, 2), [18], (21, 21, 1)),  # it has one of 19 to 21, too
        ("19,20,23 * * * * *", (18, 27, 4), [18], (21, 27, 3)),
        ("19,20,27 * * * * *", (18, 27, 4), [18], (21, 27, 3)),  # and the last one as well
        ("*/5 * * * * *", (18, 27, 4), [18, 21, 24], (27, 27, 1)),
        ("*/5 * * * * *", (18, 21, 2), [18, 21], None),
    ],
)
def test_another_rule_of_the_event_may_have_as_many(
    later: str, told: tuple[int, int, int], taken: list[int], rest: tuple[int, int, int] | None
) -> None:
    known = [cron_series(later, "UTC"), cron_series("*/3 * * * * *", "UTC")]

    found = behind(stretch(*told), known, {at(one) for one in taken})

    assert found == (None if rest is None else stretch(*rest))


def test_where_no_rule_is_that_of_the_stretch_the_one_that_is_left_is_still_its_last() -> None:
    known = [cron_series("*/5 * * * * *", "UTC")]

    assert behind(stretch(18, 21, 2), known, {at(18)}) == stretch(21, 21, 1)
