"""What there is to say of one operation of /api/v4."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any


class Shape(Enum):
    """How an answer holds its data."""

    OBJECT = auto()
    LIST = auto()  # a part of many, which can be filtered and sorted by any attribute
    ARRAY = auto()
    NOTHING = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class OncallOperation:
    """One thing that can be asked; `body` and `data` name schemas, `query` parameters.

    `texts` are the media types that it answers in beside JSON, or instead of it where there is no `data`.
    """

    name: str
    tag: str
    method: str
    path: str
    summary: str
    description: str
    status: int = 200
    data: str = ""
    shape: Shape = Shape.OBJECT
    texts: tuple[str, ...] = ()
    body: str = ""
    example: dict[str, Any] | None = None
    query: tuple[str, ...] = ()
    is_once: bool = False  # with an Idempotency-Key
    is_matched: bool = False  # with If-Match
    is_trial: bool = False  # with dry_run
    may_delete: bool = False  # and answers 204 then
    refusals: tuple[int, ...] = ()
    needs_key: bool = True

    @property
    def all_refusals(self) -> list[int]:
        """Every status that is neither success nor 304."""
        found = {400, 503, *self.refusals}
        found |= {401, 429} if self.needs_key else set()
        found |= {408, 413, 415, 422} if self.body else set()
        found |= {404} if "{" in self.path else set()
        found |= {412} if self.is_matched else set()
        found |= {422} if self.is_once or self.is_trial else set()
        return sorted(found)
