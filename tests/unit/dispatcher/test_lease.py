"""A lease counts from the moment its renewal was sent, whenever the answer came."""

from __future__ import annotations

from dispatcher_service.core.lease import Lease


def test_it_counts_from_the_send_and_not_from_the_answer() -> None:
    lease = Lease(4.0)
    lease.renewed(sent=10.0)  # answered at 13, say

    assert lease.holds(13.999)
    assert not lease.holds(14.0)


def test_it_begins_without() -> None:
    assert not Lease(4.0).holds(0.0)


def test_an_answer_to_an_earlier_renewal_does_not_shorten_it() -> None:
    lease = Lease(4.0)
    lease.renewed(sent=10.0)
    lease.renewed(sent=9.0)

    assert lease.holds(13.5)


def test_a_lost_session_ends_it_at_once() -> None:
    lease = Lease(4.0)
    lease.renewed(sent=10.0)
    lease.lost()

    assert not lease.holds(10.0)
