"""Whoever has to wait shares: what is asked while an earlier question is under way is asked together, in one go.

Whoever is alone goes at once; under load there is always somebody under way, and what a statement costs beside its
rows, or a commit, is shared by all who came meanwhile. Who was answered together asks again at nearly the same time:
were the first of them to go at once, he would go alone, and all others wait for that. So after several have gone
together the next wait for as many, but only for a moment. One who comes alone after them waits in vain, once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeAlias, TypeVar

from shared.domain.errors import Unavailable

Asked = TypeVar("Asked")
Told = TypeVar("Told")
Together: TypeAlias = Callable[[Sequence[Asked]], Awaitable[Sequence[Told]]]

# How long those who come first wait for the others, in seconds; it is less than the others would wait for a transaction
# that began without them.
PATIENCE: Final = 0.005


class SharedFailedError(Exception):
    """What was asked together could not be answered; its cause says why, and need not be this question's fault."""


class Shared(Generic[Asked, Told]):
    """Questions that are answered together, by whoever runs it.

    `together` has an answer for each, in their order. It is given as many as weigh no more than `most`, but always one.
    """

    def __init__(
        self,
        together: Together[Asked, Told],
        *,
        most: int,
        weight: Callable[[Asked], int] = lambda _: 1,
        patience: float = PATIENCE,
    ) -> None:
        self._together = together
        self._most = most
        self._weight = weight
        self._patience = patience
        self._waiting: deque[tuple[Asked, asyncio.Future[Told]]] = deque()
        self._asked = asyncio.Event()
        self._expected = 1
        self._complete = asyncio.Event()
        self._ended = False

    async def ask(self, asked: Asked) -> Told:
        """The answer. Raises Unavailable, SharedFailedError.

        Whoever gives up waiting takes nothing back: the others' answers do not depend on it.
        """
        if self._ended:
            raise Unavailable
        told: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, told))
        self._asked.set()
        if len(self._waiting) >= self._expected:
            self._complete.set()
        return await told

    async def run(self) -> None:
        """Answer for ever; whoever waits at the end is told so."""
        group: list[tuple[Asked, asyncio.Future[Told]]] = []
        try:
            while True:
                await self._asked.wait()
                await self._gather(len(group))
                group = self._next()
                await self._answer(group)
        finally:
            self._ended = True
            for _, told in (*group, *self._waiting):
                _refuse(told, Unavailable())

    async def _gather(self, expected: int) -> None:
        """Until as many wait as went together before, or patience ends."""
        if len(self._waiting) >= expected:
            return
        self._expected = expected
        self._complete.clear()
        try:
            async with asyncio.timeout(self._patience):
                await self._complete.wait()
        except TimeoutError:
            return  # some of them have nothing more to ask

    def _next(self) -> list[tuple[Asked, asyncio.Future[Told]]]:
        """Those who wait, in the order in which they came; who has given up meanwhile is left out."""
        group: list[tuple[Asked, asyncio.Future[Told]]] = []
        weight = 0
        while self._waiting:
            asked, told = self._waiting[0]
            if not told.done():
                weight += self._weight(asked)
                if group and weight > self._most:
                    break
                group.append((asked, told))
            self._waiting.popleft()
        if not self._waiting:
            self._asked.clear()
        return group

    async def _answer(self, group: Sequence[tuple[Asked, asyncio.Future[Told]]]) -> None:
        if not group:
            return
        try:
            answers = await self._together([asked for asked, _ in group])
        except Exception as error:  # noqa: BLE001 - each of those who asked is told
            for _, told in group:
                _refuse(told, error)
            return
        for (_, told), answer in zip(group, answers, strict=True):
            if not told.done():
                told.set_result(answer)


def _refuse(told: asyncio.Future[Told], fault: Exception) -> None:
    """An error for each of those who asked: on its way to whoever handles it a traceback is written into it."""
    if not told.done():
        error = Unavailable() if isinstance(fault, Unavailable) else SharedFailedError()
        error.__cause__ = fault.__cause__ if isinstance(fault, Unavailable) else fault
        told.set_exception(error)
