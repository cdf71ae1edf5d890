"""Whoever has to wait shares: what is asked while an earlier question is under way is asked together, in one go.

Nobody waits for company. A question that finds nobody under way goes at once; under load there is always somebody, and
what a statement costs beside its rows, or a commit, is shared by all who came meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

from shared.domain.errors import Unavailable

Asked = TypeVar("Asked")
Told = TypeVar("Told")
Together: TypeAlias = Callable[[Sequence[Asked]], Awaitable[Sequence[Told]]]


class SharedFailedError(Exception):
    """What was asked together could not be answered; its cause says why, and need not be this question's fault."""


class Shared(Generic[Asked, Told]):
    """Questions that are answered together, by whoever runs it.

    `together` has an answer for each, in their order. It is given as many as weigh no more than `most`, but always one.
    """

    def __init__(
        self, together: Together[Asked, Told], *, most: int, weight: Callable[[Asked], int] = lambda _: 1
    ) -> None:
        self._together = together
        self._most = most
        self._weight = weight
        self._waiting: deque[tuple[Asked, asyncio.Future[Told]]] = deque()
        self._asked = asyncio.Event()
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
        return await told

    async def run(self) -> None:
        """Answer for ever; whoever waits at the end is told so."""
        group: list[tuple[Asked, asyncio.Future[Told]]] = []
        try:
            while True:
                await self._asked.wait()
                group = self._next()
                await self._answer(group)
        finally:
            self._ended = True
            for _, told in (*group, *self._waiting):
                _refuse(told, Unavailable())

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
