"""Snapshots that are arriving, page by page. A repeated request is answered twice, so several may be on their way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from shared.domain.firing import PendingFiring
from shared.messages.catalogue import SnapshotPage

ASSEMBLIES: Final = 4


@dataclass(slots=True)
class Assembly:
    """A run of pages that is arriving."""

    horizon: int
    next_page: int = 0
    ids: set[str] = field(default_factory=set)
    pending: list[PendingFiring] = field(default_factory=list)


class Assemblies:
    """The latest few of them, by the answer they are of."""

    def __init__(self) -> None:
        self._by_answer: dict[str, Assembly] = {}

    def of(self, page: SnapshotPage) -> Assembly | None:
        """The one that this page goes on with, or begins; None where it is out of order."""
        if page.page == 0 and page.answer not in self._by_answer:
            self._by_answer[page.answer] = Assembly(horizon=page.horizon)
            while len(self._by_answer) > ASSEMBLIES:
                del self._by_answer[next(iter(self._by_answer))]
        assembly = self._by_answer.get(page.answer)
        return assembly if assembly is not None and assembly.next_page == page.page else None

    def clear(self) -> None:
        """One of them is complete; the others would say nothing new."""
        self._by_answer.clear()
