"""A question of a list becomes SQL: the attribute's expression is ours, and whatever was sent is a parameter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from api_service.store.database import Connection
from api_service.wanted import Filter, Kind, ListWanted, Op, Value
from shared.timing.instants import to_datetime

if TYPE_CHECKING:
    import asyncpg

_TYPES: Final[Mapping[Kind, str]] = {
    Kind.TEXT: "text",
    Kind.ID: "text",
    Kind.IDS: "text",
    Kind.WHOLE: "bigint",
    Kind.WHOLES: "bigint",
    Kind.FLAG: "boolean",
    Kind.MOMENT: "timestamptz",
}
_COMPARED: Final[Mapping[Op, str]] = {Op.LT: "<", Op.LTE: "<=", Op.GT: ">", Op.GTE: ">="}


@dataclass(frozen=True, slots=True)
class Column:
    """What an attribute is in SQL; `alias` is the other name that an id may be called by.

    Of a set it is an array, of ids one with both names of each.
    """

    sql: str
    alias: str | None = None


async def page(
    c: Connection,
    *,
    rows: str,
    count: str,
    fixed: Sequence[Any],
    columns: Mapping[str, Column],
    newest: str,
    wanted: ListWanted,
) -> tuple[list[asyncpg.Record], int]:
    """The rows that are wanted, and how many match in all.

    `rows` and `count` are statements with the parameters `fixed`, a place for {filters}, and in `rows` also for
    {order} and {part}; `newest` is what rises with each new row, and orders what is equal. Needs a transaction
    whose statements see the same moment.
    """
    given = list(fixed)
    filters = " and ".join(_condition(each, columns[each.attribute], given) for each in wanted.filters) or "true"
    total: int = await c.fetchval(count.format(filters=filters), *given)
    order = _order(wanted, columns, newest)
    part = f"limit {_place(given, wanted.limit)} offset {_place(given, wanted.offset)}"
    return await c.fetch(rows.format(filters=filters, order=order, part=part), *given), total


def _order(wanted: ListWanted, columns: Mapping[str, Column], newest: str) -> str:
    direction = "desc" if wanted.descending else "asc"
    if wanted.sort is None:
        return f"{newest} {direction}"
    return f"{columns[wanted.sort].sql} {direction} nulls last, {newest} {direction}"


def _condition(wanted: Filter, column: Column, given: list[Any]) -> str:
    """The comparison as SQL; what it compares with is added to what is given."""
    kind, sql, of_type = wanted.kind, column.sql, _TYPES[wanted.kind]
    if wanted.op in {Op.EQUALS, Op.NE} or kind.is_set:
        said = " or ".join(_is_any(wanted, column, given))
        return f"({said}) is not true" if wanted.op is Op.NE else f"({said})"  # bare, so that an index may serve it

    places = [f"{_place(given, _stored(value, kind))}::{of_type}" for value in wanted.values]
    if wanted.op is Op.BETWEEN:
        return f"({sql} between {places[0]} and {places[1]})"
    if wanted.op is Op.BEGINS_WITH:
        return f"starts_with(lower({sql}), lower({places[0]}))"
    if wanted.op is Op.CONTAINS:
        return f"strpos(lower({sql}), lower({places[0]})) > 0"
    return f"({sql} {_COMPARED[wanted.op]} {places[0]})"


def _is_any(wanted: Filter, column: Column, given: list[Any]) -> Iterator[str]:
    """Each way in which the attribute can be one of the values."""
    values = [_stored(value, wanted.kind) for value in wanted.values if value is not None]
    of_type = _TYPES[wanted.kind]
    if wanted.kind.is_set:
        yield f"{column.sql}::{of_type}[] && {_place(given, values)}::{of_type}[]"
        if None in wanted.values:
            yield f"cardinality({column.sql}) = 0"
        return
    place = _place(given, values)
    yield from (f"{sql} = any({place}::{of_type}[])" for sql in (column.sql, column.alias) if sql is not None)
    if None in wanted.values:
        yield f"{column.sql} is null"


def _stored(value: Value, kind: Kind) -> Any:
    return to_datetime(value) if kind is Kind.MOMENT and isinstance(value, int) else value


def _place(given: list[Any], value: Any) -> str:
    given.append(value)
    return f"${len(given)}"
