"""What a list is asked means in SQL what it means in words: every kind of attribute by every operation that fits it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

import pytest

from api_service.store.database import Database
from api_service.store.oncall.lists import Column, page
from api_service.wanted import Filter, Kind, ListWanted, Op, Value

ROWS: Final[list[dict[str, Any]]] = [
    {"number": 1, "text": "Ada", "whole": 1, "flag": True, "moment": 0, "ids": ["a", "A"], "wholes": [1, 2]},
    {"number": 2, "text": "adam", "whole": 2, "flag": False, "moment": 1_000, "ids": ["b", "B"], "wholes": []},
    {"number": 3, "text": "Ad%", "whole": None, "flag": None, "moment": None, "ids": [], "wholes": [2, 3]},
    {"number": 4, "text": None, "whole": -5, "flag": True, "moment": 2_000, "ids": ["a", "A", "b", "B"], "wholes": [0]},
]
COLUMNS = {name: Column(name) for name in ROWS[0]} | {"id": Column("text", "upper(text)")}
KINDS = {
    "text": Kind.TEXT, "id": Kind.ID, "whole": Kind.WHOLE, "flag": Kind.FLAG, "moment": Kind.MOMENT, "ids": Kind.IDS,
    "wholes": Kind.WHOLES,
}  # fmt: skip
VALUES: Final[dict[Kind, tuple[Value, ...]]] = {
    Kind.TEXT: ("Ada", "ad", "%", "", "A' or true --"),
    Kind.ID: ("Ada", "ADA", None),
    Kind.WHOLE: (1, 2, -5, 10**14, None),
    Kind.FLAG: (True, False, None),
    Kind.MOMENT: (0, 1_000, 32_503_680_000_000 - 1, None),
    Kind.IDS: ("a", "B", "z", None),
    Kind.WHOLES: (0, 2, 9, None),
}
EVERYTHING: Final = ListWanted(limit=100, offset=0, filters=(), sort=None, descending=False)
SOURCE = """
    from (values
        (1, 'Ada', 1, true, 'epoch'::timestamptz, array['a', 'A'], array[1, 2]::smallint[]),
        (2, 'adam', 2, false, 'epoch'::timestamptz + interval '1 s', array['b', 'B'], array[]::smallint[]),
        (3, 'Ad%', null, null, null, array[]::text[], array[2, 3]::smallint[]),
        (4, null, -5, true, 'epoch'::timestamptz + interval '2 s', array['a', 'A', 'b', 'B'], array[0]::smallint[])
    ) as row (number, text, whole, flag, moment, ids, wholes)
    where $1 and {filters}
"""


def meant(row: dict[str, Any], wanted: Filter) -> bool:
    """The same question, asked of a row in Python."""
    held = row["text" if wanted.attribute == "id" else wanted.attribute]
    if wanted.kind.is_set:
        found = any(held == [] if value is None else value in held for value in wanted.values)
        return not found if wanted.op is Op.NE else found
    if wanted.op in {Op.EQUALS, Op.NE}:
        names = {held, held.upper()} if wanted.kind is Kind.ID and held is not None else {held}
        found = bool(names & set(wanted.values))
        return not found if wanted.op is Op.NE else found
    if held is None:
        return False
    first, last = wanted.values[0], wanted.values[-1]
    by: dict[Op, Callable[[], bool]] = {
        Op.LT: lambda: held < first,
        Op.LTE: lambda: held <= first,
        Op.GT: lambda: held > first,
        Op.GTE: lambda: held >= first,
        Op.BETWEEN: lambda: first <= held <= last,
        Op.BEGINS_WITH: lambda: held.lower().startswith(str(first).lower()),
        Op.CONTAINS: lambda: str(first).lower() in held.lower(),
    }
    return by[wanted.op]()


def questions() -> list[Filter]:
    asked: list[Filter] = []
    for (name, kind), op in itertools.product(KINDS.items(), Op):
        if op not in kind.ops:
            continue
        values = VALUES[kind]
        some = [value for value in values if value is not None]
        sent: Iterable[tuple[Value, ...]]
        if op is Op.BETWEEN:
            sent = [*itertools.product(some, repeat=2)]
        elif op in {Op.EQUALS, Op.NE}:
            sent = [*((value,) for value in values), *itertools.combinations(values, 2)]
        else:
            sent = [(value,) for value in some]
        asked += [Filter(attribute=name, kind=kind, op=op, values=them) for them in sent]
    return asked


async def ask(database: Database, *filters: Filter, **different: Any) -> tuple[list[int], int]:
    wanted = replace(EVERYTHING, filters=filters, **different)
    async with database.moment() as c:
        rows, total = await page(
            c,
            rows=f"select number {SOURCE} order by {{order}} {{part}}",
            count=f"select count(*) {SOURCE}",
            fixed=[True],
            columns=COLUMNS,
            newest="number",
            wanted=wanted,
        )
    return [row["number"] for row in rows], total


@pytest.mark.parametrize("kind", Kind)
async def test_sql_finds_what_is_meant(database: Database, kind: Kind) -> None:
    asked = [wanted for wanted in questions() if wanted.kind is kind]
    for wanted in asked:
        found = [row["number"] for row in ROWS if meant(row, wanted)]
        assert await ask(database, wanted) == (found, len(found)), wanted
    assert {wanted.op for wanted in asked} == kind.ops


async def test_every_filter_has_to_match(database: Database) -> None:
    flag = Filter(attribute="flag", kind=Kind.FLAG, op=Op.EQUALS, values=(True,))
    whole = Filter(attribute="whole", kind=Kind.WHOLE, op=Op.LT, values=(1,))

    assert await ask(database, flag, whole) == ([4], 1)


@pytest.mark.parametrize(
    ("sort", "descending", "order"),
    [
        (None, False, [1, 2, 3, 4]),
        (None, True, [4, 3, 2, 1]),
        ("whole", False, [4, 1, 2, 3]),
        ("whole", True, [2, 1, 4, 3]),
        ("flag", False, [2, 1, 4, 3]),
        ("moment", True, [4, 2, 1, 3]),
    ],
)
async def test_what_has_no_value_comes_last(
    database: Database, sort: str | None, descending: bool, order: list[int]
) -> None:
    assert await ask(database, sort=sort, descending=descending) == (order, 4)
    assert await ask(database, sort=sort, descending=descending, limit=2, offset=1) == (order[1:3], 4)
