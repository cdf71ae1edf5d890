"""What there is to say of one operation of the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that can be asked; `body`, `data` and `page`, the query's, name schemas."""

    name: str
    tag: str
    method: str
    path: str
    summary: str
    description: str
    data: str = ""
    is_list: bool = False
    is_counted: bool = True
    counts: str = "How many match in all."
    by_cursor: bool = False
    page: str = ""
    status: int = 200
    body: str = ""
    example: dict[str, Any] | None = None
    parameters: tuple[str, ...] = ()
    refusals: tuple[int, ...] = ()
    needs_key: bool = True

    @property
    def all_refusals(self) -> list[int]:
        """Every status that is not success."""
        with_key = {400, 401, 429} if self.needs_key else set()
        with_body = {400, 408, 413, 415} if self.body else set()
        return sorted({*self.refusals, *with_key, *with_body, 503})
