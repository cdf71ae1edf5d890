"""How a schedule is covered, as JSON and as a table: gaps layer by layer, and everybody's hours."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from marshmallow import Schema, fields

from api_service.schemas.oncall.moments import show
from api_service.schemas.oncall.trials import SpanAnswer, hours_of, show_span
from api_service.schemas.query_string import parse
from shared.domain.coverage import Coverage, Hours, LayerCoverage
from shared.domain.errors import Unprocessable
from shared.domain.spans import length
from shared.timing.zones import zone

COLUMNS: Final = (
    "kind", "layer", "start_time", "end_time", "account_user_id", "name", "time_zone", "hours", "night_hours",
    "weekend_hours",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would compute


class Person(NamedTuple):
    """Somebody by name, and the zone of the clock that nights and weekends go by."""

    name: str
    time_zone: str


class HoursAnswer(Schema):
    """How long somebody is on call."""

    hours = fields.Float()
    night_hours = fields.Float(metadata={"description": "From 22:00 to 06:00 on the person's own clock."})
    weekend_hours = fields.Float(metadata={"description": "On Saturdays and Sundays on the person's own clock."})


class LayerHoursAnswer(HoursAnswer):
    """The same in one layer."""

    layer = fields.Integer()


class LayerAnswer(Schema):
    """When nobody is on call in a layer."""

    layer = fields.Integer()
    covered_hours = fields.Float()
    gap_hours = fields.Float()
    gaps = fields.List(fields.Nested(SpanAnswer))


class PersonAnswer(HoursAnswer):
    """How long a person is on call, over all layers and in each."""

    account_user_id = fields.String()
    name = fields.String()
    time_zone = fields.String()
    layers = fields.List(fields.Nested(LayerHoursAnswer))


class CoverageAnswer(Schema):
    """How a schedule is covered in a window."""

    start_time = fields.String(metadata={"format": "date-time"})
    end_time = fields.String(metadata={"format": "date-time"})
    time_zone = fields.String(metadata={"description": "The schedule's, in which times are shown."})
    layers = fields.List(fields.Nested(LayerAnswer))
    people = fields.List(fields.Nested(PersonAnswer))


def wants_table(raw: str, accept: str) -> bool:
    """Is the coverage to be a table? `format` says so, or else the kinds of answer that are accepted."""
    kind = parse(raw).get("format")
    if kind is not None and kind not in ("csv", "json"):
        raise Unprocessable(["format should be csv or json"])
    return kind == "csv" if kind is not None else accept.strip().lower().startswith("text/csv")


def show_coverage(found: Coverage, people: Mapping[str, Person], time_zone: str, iana: str) -> dict[str, Any]:
    """The coverage as JSON, its times in this zone."""
    clock = zone(iana)
    return {
        "start_time": show(found.start, clock),
        "end_time": show(found.end, clock),
        "time_zone": time_zone,
        "layers": [
            {
                "layer": layer.layer,
                "covered_hours": hours_of(layer.covered_ms),
                "gap_hours": hours_of(length(layer.gaps)),
                "gaps": [show_span(start, end, clock) for start, end in layer.gaps],
            }
            for layer in found.layers
        ],
        "people": [
            {
                "account_user_id": one.account_user_id,
                "name": people[one.account_user_id].name,
                "time_zone": people[one.account_user_id].time_zone,
                **_show_hours(one.hours),
                "layers": [{"layer": layer, **_show_hours(hours)} for layer, hours in sorted(one.layers.items())],
            }
            for one in found.people
        ],
    }


def coverage_table(found: Coverage, people: Mapping[str, Person], iana: str) -> str:
    """The coverage as CSV: a row for every gap, every layer's covered hours, and every person's hours in a layer."""
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, restval="")
    table.writeheader()
    for layer in found.layers:
        table.writerows(_rows_of_layer(layer, iana))
    for one in found.people:
        person = people[one.account_user_id]
        said = {"account_user_id": one.account_user_id, "name": _inert(person.name), "time_zone": person.time_zone}
        for number, hours in sorted(one.layers.items()):
            table.writerow({"kind": "person", "layer": number, **said, **_show_hours(hours)})
        if not one.layers:
            table.writerow({"kind": "person", **said, **_show_hours(one.hours)})
    return text.getvalue()


def _rows_of_layer(layer: LayerCoverage, iana: str) -> Iterator[dict[str, Any]]:
    clock = zone(iana)
    yield {"kind": "covered", "layer": layer.layer, "hours": hours_of(layer.covered_ms)}
    for start, end in layer.gaps:
        yield {"kind": "gap", "layer": layer.layer, **show_span(start, end, clock)}


def _show_hours(hours: Hours) -> dict[str, float]:
    return {
        "hours": hours_of(hours.total_ms),
        "night_hours": hours_of(hours.night_ms),
        "weekend_hours": hours_of(hours.weekend_ms),
    }


def _inert(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
