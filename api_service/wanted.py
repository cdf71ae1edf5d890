"""What is wanted of a list: the words shared by those who read the question and those who answer it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TypeAlias

from shared.timing.instants import Instant

Value: TypeAlias = "str | int | bool | Instant | None"  # None: the attribute has no value


class Op(StrEnum):
    """How an attribute is compared, as clients spell it."""

    EQUALS = "equals"
    NE = "ne"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    BEGINS_WITH = "beginsWith"
    CONTAINS = "contains"
    BETWEEN = "between"


_ORDERED = frozenset({Op.EQUALS, Op.NE, Op.LT, Op.LTE, Op.GT, Op.GTE, Op.BETWEEN})
_OF_SETS = frozenset({Op.EQUALS, Op.NE, Op.CONTAINS})


class Kind(Enum):
    """What an attribute is, and so what may be asked of it."""

    TEXT = frozenset(Op), "text"
    ID = frozenset(Op), "id"
    WHOLE = _ORDERED, "whole number"
    MOMENT = _ORDERED, "time"
    FLAG = frozenset({Op.EQUALS, Op.NE}), "true or false"
    IDS = _OF_SETS, "id of many"
    WHOLES = _OF_SETS, "whole number of many"

    @property
    def ops(self) -> frozenset[Op]:
        """Which comparisons make sense."""
        return self.value[0]

    @property
    def words(self) -> str:
        """What a value is called."""
        return self.value[1]

    @property
    def is_set(self) -> bool:
        """Has the attribute several values, of which a filter means any?"""
        return self.ops is _OF_SETS


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One comparison. EQUALS and NE mean any, or none, of the values; BETWEEN has two, both inclusive; others one."""

    attribute: str
    kind: Kind
    op: Op
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWanted:
    """Which part of what matches every filter, in which order; without `sort`, newest first."""

    limit: int
    offset: int
    filters: tuple[Filter, ...]
    sort: str | None
    descending: bool
