"""What may be asked of a list: how much of it, and which of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from marshmallow import ValidationError, fields, validate, validates_schema

from api_service import limits
from api_service.schemas import fields as ours
from api_service.schemas.json_text import read_json
from api_service.schemas.paging import page_limit
from api_service.schemas.query_string import parse
from api_service.schemas.reading import Strict, read
from shared.domain.errors import InvalidInput
from shared.domain.event import Status

_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?(?P<exponent>\d{1,9}))?", re.ASCII)


def _texts(**kwargs: Any) -> ours.Items:
    text = ours.Text(longest=limits.FILTER_TEXT_LENGTH)
    return ours.Items(text, most=limits.FILTER_ITEMS, single=True, **kwargs)


class ContextRequest(Strict):
    """One filter on the context: what is to be found at the end of a path."""

    path = ours.Items(
        ours.Text(longest=limits.FILTER_TEXT_LENGTH, shortest=0),
        most=limits.CONTEXT_DEPTH,
        required=True,
        metadata={"description": "The keys to go down, from the outside in.", "example": ["user"]},
    )
    value = ours.Text(
        longest=limits.FILTER_TEXT_LENGTH,
        shortest=0,
        required=True,
        metadata={"description": "What to find there; a number is written out as a string.", "example": "12345"},
    )
    type = ours.Choice("Number", "String", required=True, metadata={"description": "Compared as numbers or as text."})
    is_array = ours.Flag(
        data_key="isArray",
        load_default=False,
        metadata={"description": "Whether what is found at the path is an array that contains the value."},
    )

    @validates_schema(skip_on_field_errors=False)
    def _complete(self, valid: dict[str, Any], **_: Any) -> None:
        problems: dict[str, list[Any]] = {}
        if valid.get("path") == []:
            problems["path"] = ["should name at least one key"]
        if valid.get("type") == "Number" and "value" in valid and not _is_number(valid["value"]):
            problems["value"] = ["should be a number, e.g. 12345, where type is Number"]
        if problems:
            raise ValidationError(problems)


class _Contexts(fields.List[Any]):
    """An array of filters on the context."""

    default_error_messages = ours.SAID | {"invalid": "should be an array of filters"}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        if len(value) > limits.FILTER_ITEMS:
            raise ValidationError(f"should have at most {limits.FILTER_ITEMS} items")
        return super()._deserialize(value, attr, data, **kwargs) or []


class QueryEvent(Strict):
    """Which events: those that every filter given here matches."""

    event_owner = _texts(data_key="eventOwner", metadata={"description": "Any of these owners."})
    tags = _texts(metadata={"description": "All of these tags."})
    context = _Contexts(
        fields.Nested(ContextRequest, error_messages=ours.SAID),
        validate=validate.Length(max=limits.FILTER_ITEMS),
        metadata={"description": "All of these hold."},
    )
    status = ours.Items(
        ours.Choice(*(status.value for status in Status)),
        most=limits.FILTER_ITEMS,
        single=True,
        metadata={"description": "Any of these statuses."},
    )


class EventsPage(Strict):
    """Which part of which events."""

    refused: ClassVar[Mapping[str, str]] = {"status": "is given beside query and inside of it; leave one of them out"}

    limit = page_limit()
    offset = ours.Whole(
        least=0,
        most=limits.OFFSET_MOST,
        written=True,
        load_default=0,
        metadata={"description": "How many to skip.", "example": 0},
    )
    query = fields.Nested(QueryEvent, load_default=dict, error_messages=ours.SAID)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.error_messages["unknown"] += ", status"  # which is moved into query before this is read


class Nothing(Strict):
    """No parameters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.error_messages["unknown"] = "is not known here; this takes no query parameters"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextFilter:
    """What is to be found at the end of a path."""

    path: tuple[str, ...]
    type: Literal["Number", "String"]
    value: str
    is_array: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsWanted:
    """Which part of which events; an empty filter lets all through."""

    limit: int
    offset: int
    owners: tuple[str, ...]
    tags: tuple[str, ...]
    contexts: tuple[ContextFilter, ...]
    statuses: frozenset[Status]


EVENTS_PAGE = EventsPage()
NOTHING = Nothing()


def read_events_wanted(raw: str) -> EventsWanted:
    """What a query string asks for; raises InvalidInput with every problem."""
    given = read(EVENTS_PAGE, _with_status_inside(_with_query_read(parse(raw))), name="the query string")
    return events_wanted(given["query"], limit=given["limit"], offset=given["offset"])


def events_wanted(query: Mapping[str, Any], *, limit: int, offset: int) -> EventsWanted:
    """What a query asks for that has been read."""
    return EventsWanted(
        limit=limit,
        offset=offset,
        owners=tuple(dict.fromkeys(query.get("event_owner", ()))),
        tags=tuple(dict.fromkeys(query.get("tags", ()))),
        contexts=tuple(
            ContextFilter(**{**wanted, "path": tuple(wanted["path"])}) for wanted in query.get("context", ())
        ),
        statuses=frozenset(map(Status, query.get("status", ()))),
    )


def refuse_parameters(raw: str) -> None:
    """Raise InvalidInput unless the query string is empty."""
    if raw:
        read(NOTHING, parse(raw), name="the query string")


def _with_query_read(sent: dict[str, Any]) -> dict[str, Any]:
    """The parameters with a `query` that is one JSON string read."""
    query = sent.get("query")
    if not isinstance(query, str):
        return sent
    try:
        return {**sent, "query": read_json(query.encode(), name="query")}
    except InvalidInput as error:
        raise InvalidInput([*error.problems, *_others(sent)]) from None


def _with_status_inside(sent: dict[str, Any]) -> dict[str, Any]:
    """The parameters with a `status` beside `query` moved into it; given twice, it stays and is refused."""
    query = sent.get("query", {})
    if "status" not in sent or not isinstance(query, dict) or "status" in query:
        return sent
    status = sent["status"]
    return {name: value for name, value in sent.items() if name != "status"} | {"query": {**query, "status": status}}


def _others(sent: dict[str, Any]) -> Iterator[str]:
    """What else is wrong, so that every problem is told at once."""
    try:
        read(EVENTS_PAGE, {name: value for name, value in sent.items() if name not in {"query", "status"}})
    except InvalidInput as error:
        yield from error.problems


def _is_number(text: str) -> bool:
    match = _NUMBER.fullmatch(text)
    if match is None or len(text) > limits.NUMBER_DIGITS:
        return False
    return int(match["exponent"] or 0) <= limits.NUMBER_EXPONENT
