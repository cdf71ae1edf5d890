"""What a change comes to, added to what was, is what will be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.coverage import covered, holdings
from shared.domain.difference import Difference, Gap, Held, difference
from shared.domain.oncall import OnCallEvent
from shared.domain.overriding import overridden
from shared.domain.reshaping import deleted, excepted
from shared.domain.spans import length, minus, union
from shared.timing.recurrence import Unit
from tests.unit.domain.rota import DAY, HOUR, event, first_of, ids, instant, series, stories, wanted

DAYS = event("2026-11-01T00:00", "2026-11-02T00:00", "Europe/London", Unit.DAILY, "ann", "bob", rotation=True)
THIRD = instant("2026-11-03T00:00Z")
WINDOW = THIRD - 2 * DAY, THIRD + 30 * DAY


def test_an_override_gives_hours_from_one_to_another() -> None:
    asked = wanted(THIRD, "2026-11-03 20:00", "2026-11-04 04:00", "Europe/London")
    family = overridden(DAYS, [], asked, ids()).applied([DAYS])

    found = difference([DAYS], family, *WINDOW)

    evening, midnight, morning = THIRD + 20 * HOUR, THIRD + DAY, THIRD + 28 * HOUR
    assert found == Difference(
        start=WINDOW[0],
        end=WINDOW[1],
        gains=(Held(account_user_id="zoe", layer=1, start=evening, end=morning),),
        loses=(
            Held(account_user_id="ann", layer=1, start=evening, end=midnight),
            Held(account_user_id="bob", layer=1, start=midnight, end=morning),
        ),
        net_ms={"ann": -4 * HOUR, "bob": -4 * HOUR, "zoe": 8 * HOUR},
    )


def test_what_nobody_does_any_more_is_a_gap() -> None:
    without = excepted(DAYS, THIRD).changed

    found = difference([DAYS], without, *WINDOW)

    assert found.gaps_opened == (Gap(layer=1, start=THIRD, end=THIRD + DAY),)
    assert not found.gaps_closed
    assert difference(without, [DAYS], *WINDOW).gaps_closed == found.gaps_opened


def test_a_layer_that_goes_is_a_gap_where_it_was_covered() -> None:
    found = difference([DAYS], deleted(DAYS, []).applied([DAYS]), THIRD, THIRD + DAY)

    assert found.gaps_opened == (Gap(layer=1, start=THIRD, end=THIRD + DAY),)
    assert found.net_ms == {"ann": -DAY}


def test_who_gains_as_much_as_is_lost_is_named() -> None:
    swapped = event("2026-11-01T00:00", "2026-11-02T00:00", "Europe/London", Unit.DAILY, "bob", "ann", rotation=True)

    assert difference([DAYS], [swapped], THIRD, THIRD + 2 * DAY).net_ms == {"ann": 0, "bob": 0}


def added(had: dict[tuple[int, str], Any], gains: Iterable[Held], loses: Iterable[Held]) -> dict[tuple[int, str], Any]:
    """What was held, with what is gained and without what is lost."""
    found = defaultdict(list, {key: list(spans) for key, spans in had.items()})
    for held in loses:
        key = held.layer, held.account_user_id
        assert length(minus([(held.start, held.end)], found[key])) == 0, "who loses an hour has it"
        found[key] = minus(found[key], [(held.start, held.end)])
    for held in gains:
        key = held.layer, held.account_user_id
        assert minus([(held.start, held.end)], had.get(key, [])) == [(held.start, held.end)], "who gains one has it not"
        found[key] = union([*found[key], (held.start, held.end)])
    return {key: spans for key, spans in found.items() if spans}


@settings(max_examples=150, deadline=None)
@given(st.data(), stories(), series())
def test_the_difference_applied_to_what_was_is_what_will_be(
    data: Any, story: list[list[OnCallEvent]], other: OnCallEvent
) -> None:
    before, after = story[0], data.draw(st.sampled_from([story[-1], [other], [*story[-1][1:], other]]))
    start = first_of(before[0]).start - data.draw(st.integers(-3, 3)) * 7 * HOUR
    window = start, start + data.draw(st.integers(1, 40)) * DAY
    had, has = holdings(before, *window), holdings(after, *window)

    found = difference(before, after, *window)

    assert added(had, found.gains, found.loses) == has
    for layer in {layer for layer, _ in (*had, *has)}:
        opened = [(gap.start, gap.end) for gap in found.gaps_opened if gap.layer == layer]
        closed = [(gap.start, gap.end) for gap in found.gaps_closed if gap.layer == layer]
        assert union([*minus(covered(had, layer), opened), *closed]) == covered(has, layer)
    for person, net in found.net_ms.items():
        held = [sum(length(spans) for (_, who), spans in side.items() if who == person) for side in (had, has)]
        assert held[1] - held[0] == net
    assert {one.account_user_id for one in (*found.gains, *found.loses)} == found.net_ms.keys()
    turned = difference(after, before, *window)
    assert (turned.gains, turned.gaps_opened) == (found.loses, found.gaps_closed)


@settings(max_examples=50, deadline=None)
@given(stories())
def test_what_stays_as_it_is_makes_no_difference(story: list[list[OnCallEvent]]) -> None:
    start = first_of(story[0][0]).start

    assert difference(story[-1], story[-1], start, start + 40 * DAY) == Difference(start=start, end=start + 40 * DAY)
