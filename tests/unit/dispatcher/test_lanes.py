"""A host that hangs fills its own lane; those with room are served in turn."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dispatcher_service.core.lanes import Lanes

HOSTS = st.sampled_from("abcd")


@given(st.integers(1, 3), st.lists(st.one_of(HOSTS, st.just(""), st.integers(0, 9)), max_size=200))
def test_lanes_are_a_list_that_is_searched_for_a_host_with_room(per_host: int, deeds: list[str | int]) -> None:
    """A letter puts, an empty text takes, a number ends what is under way."""
    lanes: Lanes[int] = Lanes(per_host)
    waiting: list[tuple[str, int]] = []
    under_way: list[str] = []
    for place, deed in enumerate(deeds):
        free = [(host, item) for host, item in waiting if under_way.count(host) < per_host]
        assert lanes.has_ready == bool(free)
        if deed == "":
            taken = lanes.take()
            assert (taken is None) == (not free)
            if taken is not None:
                host, _ = taken
                assert taken == next(one for one in waiting if one[0] == host), "first come, first served in a lane"
                waiting.remove(taken)
                under_way.append(host)
        elif isinstance(deed, str):
            lanes.put(deed, place)
            waiting.append((deed, place))
        elif deed < len(under_way):
            lanes.done(under_way.pop(deed))
        assert len(lanes) == len(waiting)


def test_a_host_that_hangs_does_not_hold_the_others() -> None:
    lanes: Lanes[int] = Lanes(2)
    for item in range(100):
        lanes.put("hangs", item)
    for item in range(10):
        lanes.put("works", item)

    served = []
    while (taken := lanes.take()) is not None:
        host, _ = taken
        served.append(host)
        if host == "works":
            lanes.done(host)

    assert Counter(served) == {"hangs": 2, "works": 10}


def test_hosts_take_turns() -> None:
    lanes: Lanes[int] = Lanes(10)
    for host in "abc":
        for item in range(4):
            lanes.put(host, item)

    hosts = [taken[0] for taken in iter(lanes.take, None)]

    assert hosts == list("abc" * 4)


@given(st.lists(st.tuples(HOSTS, st.integers(0, 400)), max_size=60))
def test_a_host_is_served_no_faster_than_its_rate_and_loses_nothing(deeds: list[tuple[str, int]]) -> None:
    lanes: Lanes[int] = Lanes(3, rate=4.0)
    now = 0.0
    served: list[tuple[str, float]] = []
    for place, (host, pause) in enumerate([*deeds, *[("a", 250)] * (len(deeds) + 1)]):
        now += pause / 1000
        lanes.rest(now)
        if place < len(deeds):
            lanes.put(host, place)
        while (taken := lanes.take(now)) is not None:
            served.append((taken[0], now))
            lanes.done(taken[0])

    assert len(served) == len(deeds)
    for host in "abcd":
        moments = [moment for one, moment in served if one == host]
        assert all(later - earlier >= 0.25 - 1e-9 for earlier, later in pairwise(moments))
