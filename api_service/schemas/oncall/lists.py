"""What query strings ask: of a list, how much, in which order and which of it; of a change, only to try it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from api_service import limits
from api_service.schemas.oncall.moments import read_instant
from api_service.schemas.query_string import parse
from api_service.wanted import Filter, Kind, ListWanted, Op, Value
from shared.domain.errors import InvalidInput

PAGING = ("limit", "offset", "page", "sort", "direction", "ops")

_WHOLE = re.compile(r"-?\d{1,15}", re.ASCII)
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_DIRECTIONS = ("asc", "desc")


def read_list_wanted(raw: str, attributes: Mapping[str, Kind]) -> ListWanted:
    """What a query string asks of a list whose items have these attributes; raises InvalidInput with every problem."""
    problems: list[str] = []
    sent = parse(raw)
    limit, offset = _part(sent, problems)
    sort, descending = _order(sent, attributes, problems)
    filters = _filters(sent, attributes, problems)
    if problems:
        raise InvalidInput(problems)
    return ListWanted(limit=limit, offset=offset, filters=filters, sort=sort, descending=descending)


def read_dry_run(raw: str) -> bool:
    """Does the query string say that the request is only to be tried? Raises InvalidInput."""
    said = parse(raw).get("dry_run", "false")
    if not isinstance(said, str) or said.lower() not in _FLAGS:
        raise InvalidInput(["dry_run should be true or false"])
    return _FLAGS[said.lower()]


def _part(sent: Mapping[str, Any], problems: list[str]) -> tuple[int, int]:
    """How many, and after how many."""
    limit = _number(sent, "limit", 1, limits.ONCALL_PAGE_MOST, limits.ONCALL_PAGE_DEFAULT, problems)
    offset = _number(sent, "offset", 0, limits.OFFSET_MOST, 0, problems)
    page = _number(sent, "page", 1, limits.OFFSET_MOST // limits.ONCALL_PAGE_MOST, 1, problems)
    if "page" in sent and "offset" in sent:
        problems.append("page is given beside offset; leave one of them out")
    return limit, (page - 1) * limit if "page" in sent else offset


def _number(sent: Mapping[str, Any], name: str, least: int, most: int, default: int, problems: list[str]) -> int:
    text = sent.get(name, str(default))
    if isinstance(text, str) and _WHOLE.fullmatch(text) and least <= int(text) <= most:
        return int(text)
    problems.append(f"{name} should be a whole number from {least} to {most}")
    return default


def _order(sent: Mapping[str, Any], attributes: Mapping[str, Kind], problems: list[str]) -> tuple[str | None, bool]:
    """By which attribute, and whether the greatest comes first."""
    sort, direction = sent.get("sort"), sent.get("direction", "desc" if "sort" not in sent else "asc")
    sortable = [name for name, kind in attributes.items() if not kind.is_set]
    if sort is not None and sort not in sortable:
        problems.append(f"sort should be one of {', '.join(sortable)}")
    if direction not in _DIRECTIONS:
        problems.append(f"direction should be one of {', '.join(_DIRECTIONS)}")
    return sort, direction == "desc"


def _filters(sent: Mapping[str, Any], attributes: Mapping[str, Kind], problems: list[str]) -> tuple[Filter, ...]:
    ops = _ops(sent, attributes, problems)
    known = ", ".join((*PAGING, *attributes))
    found = []
    for name, value in sent.items():
        if name in PAGING:
            continue
        if name not in attributes:
            problems.append(f"{name[:64]} is not known here; known are {known}")
            continue
        kind, op = attributes[name], ops.get(name, Op.EQUALS)
        if op not in kind.ops:
            continue  # said already
        try:
            found.append(Filter(attribute=name, kind=kind, op=op, values=_values(value, kind, op)))
        except ValueError as error:
            problems.append(f"{name} {error}")
    return tuple(found)


def _ops(sent: Mapping[str, Any], attributes: Mapping[str, Kind], problems: list[str]) -> dict[str, Op]:
    """How each attribute that is not merely to be equal is compared."""
    ops = {}
    for pair in _pairs(sent.get("ops", ""), problems):
        name, _, word = (part.strip() for part in pair.partition(":"))
        if name not in attributes:
            problems.append(f"ops names {name[:64]!r}, which is not known here; known are {', '.join(attributes)}")
        elif word not in [op.value for op in attributes[name].ops]:
            fitting = ", ".join(op for op in Op if op in attributes[name].ops)
            problems.append(f"ops has {word[:64]!r} for {name}; use one of {fitting}")
        elif name not in sent:
            problems.append(f"ops names {name}, which is not filtered; add {name}=… or leave it out")
        else:
            ops[name] = Op(word)
    return ops


def _pairs(value: Any, problems: list[str]) -> Iterator[str]:
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        problems.append("ops should be attribute:operation, separated by commas, e.g. layer:gt")
        return
    yield from (pair for text in texts for pair in text.split(",") if pair.strip())


def _values(value: Any, kind: Kind, op: Op) -> tuple[Value, ...]:
    """What the attribute is compared with; raises ValueError."""
    if op is Op.BETWEEN:
        return _range(value, kind)
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f"should be a {kind.words}, or several")
    if len(texts) > limits.FILTER_ITEMS:
        raise ValueError(f"should have at most {limits.FILTER_ITEMS} values")
    if len(texts) > 1 and op not in {Op.EQUALS, Op.NE}:
        raise ValueError(f"should have one value where it is compared by {op}")
    if op in {Op.EQUALS, Op.NE}:
        return tuple(None if text == "" and kind is not Kind.TEXT else _READ[kind](text) for text in texts)
    return tuple(_READ[kind](text) for text in texts)


def _range(value: Any, kind: Kind) -> tuple[Value, ...]:
    first, dots, last = value.partition("..") if isinstance(value, str) else ("", "", "")
    if not dots:
        raise ValueError("should be two values with .. between them where it is compared by between, e.g. 1..3")
    return _READ[kind](first), _READ[kind](last)


def _text(text: str) -> str:
    if len(text) > limits.FILTER_TEXT_LENGTH:
        raise ValueError(f"should have at most {limits.FILTER_TEXT_LENGTH} characters")
    return text


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError("should be a whole number")
    return int(text)


def _flag(text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise ValueError("should be true or false")
    return _FLAGS[text.lower()]


_READ: Mapping[Kind, Callable[[str], Value]] = {
    Kind.TEXT: _text,
    Kind.ID: _text,
    Kind.IDS: _text,
    Kind.WHOLE: _whole,
    Kind.WHOLES: _whole,
    Kind.FLAG: _flag,
    Kind.MOMENT: read_instant,
}
