"""Whose cancellation is it? A call that is given up by its maker is that; one that aiormq rejects has failed."""

from __future__ import annotations

import asyncio

import pytest

from shared.bus.port import BusUnavailable
from shared.bus.rabbit_wire import expected_within


async def test_a_cancellation_that_nobody_asked_for_is_a_failure() -> None:
    """The way aiormq rejects some calls of a channel that ends."""
    with pytest.raises(BusUnavailable):
        async with expected_within(5, "asking"):
            raise asyncio.CancelledError

    async def ask() -> None:
        async with expected_within(5, "asking"):
            await asyncio.Event().wait()

    asking = asyncio.ensure_future(ask())
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
