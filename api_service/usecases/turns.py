"""Whose turn is it, where only so many may be at work? Of one application there are fewer, so that it leaves room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from shared.domain.errors import TookTooLong


class Turns:
    """Turns in the order in which they are asked for, of each application by itself."""

    def __init__(self, at_once: int, *, of_one: int) -> None:
        self._all = asyncio.Semaphore(at_once)
        self._of_one = of_one
        # One is forgotten once nobody of its application is here.
        self._own: WeakValueDictionary[int, asyncio.Semaphore] = WeakValueDictionary()

    @property
    def busy(self) -> bool:
        """Is anybody at work?"""
        return bool(self._own)

    @asynccontextmanager
    async def turn(self, application_id: int, *, within: float) -> AsyncIterator[None]:
        """A turn for as long as the block lasts. Raises TookTooLong where none came within so many seconds."""
        own = self._own.setdefault(application_id, asyncio.Semaphore(self._of_one))
        try:
            async with asyncio.timeout(within):
                # Of its own first: so of those who wait for a turn of all, few are of one application.
                await own.acquire()
                try:
                    await self._all.acquire()
                except BaseException:
                    own.release()
                    raise
        except TimeoutError:
            raise TookTooLong from None
        try:
            yield
        finally:
            self._all.release()
            own.release()
