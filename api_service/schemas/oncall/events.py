"""What clients may say of an on-call event, in the vendor's words, and what that is in ours.

Whatever can be read is read beside whatever cannot, so that every problem is told at once, with those that only the
database knows of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from marshmallow import ValidationError, fields

from api_service import limits
from api_service.schemas.oncall import fields as ours
from api_service.schemas.oncall.moments import read_when
from api_service.schemas.oncall.reading import Lenient
from api_service.schemas.reading import read_partly
from shared.domain.oncall_changes import Fault, When
from shared.timing.recurrence import Unit

_TWO_NAMES: Final = {"start": ("start_datetime", "start_time"), "end": ("end_datetime", "end_time")}
_OUR_NAMES: Final = {"frequency_unit": "unit", "repeat_end_datetime": "repeat_end"}
_NAMES: Final = {
    "start": "start_datetime",
    "end": "end_datetime",
    "unit": "frequency_unit",
    "repeat_end": "repeat_end_datetime",
}
_REQUIRED: Final = ("start", "end", "layer", "time_zone", "account_user_ids")
_CLEARED: Final = frozenset({"frequency", "frequency_unit", "repeat_end_datetime", "parent_id", "terminated_on"})
_EMPTIED: Final = {"repeat": False, "rotation": False, "days_of_week": [], "schedule_ids": [], "exceptions": []}
_WEEKDAYS: Final = 7
_FIRST_NAME: Final = re.compile(r"[ .\[]")
_UNITS: Final = tuple(unit.value for unit in Unit)


class Moment(fields.Field[Any]):
    """A time: an instant where it has an offset, and otherwise a time on the wall of the event's zone."""

    default_error_messages = ours.SAID

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> When:
        if value == "":
            raise ValidationError(ours.BLANK)
        if not isinstance(value, str):
            raise ValidationError("should be a string")
        try:
            return read_when(value.strip())
        except ValueError as error:
            raise ValidationError(str(error)) from None


class _Exception(Moment):
    """The start of an occurrence that does not happen: a time, or an object as it is shown."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> When:
        if isinstance(value, dict):
            value = value.get("start_datetime", value.get("start_time"))
        return super()._deserialize(value, attr, data, **kwargs)


class _FrequencyUnit(ours.Text):
    def understood(self, text: str) -> str:
        if text not in _UNITS:
            raise ValidationError(f"should be one of {', '.join(_UNITS)}")
        return text


class EventBody(Lenient):
    """An on-call event as it is sent."""

    start_datetime = Moment(metadata={"description": "When the first occurrence starts."})
    start_time = Moment(metadata={"description": "The same, by its newer name."})
    end_datetime = Moment(metadata={"description": "When the first occurrence ends."})
    end_time = Moment(metadata={"description": "The same, by its newer name."})
    layer = ours.Whole(least=1, most=limits.LAYER_MOST, metadata={"description": "Of the escalation."})
    time_zone = ours.Zone(longest=limits.TIMEZONE_LENGTH)
    repeat = ours.Flag()
    frequency = ours.Whole(least=1, most=limits.FREQUENCY_MOST, allow_none=True)
    frequency_unit = _FrequencyUnit(longest=16, allow_none=True)
    days_of_week = ours.Several(
        ours.Whole(least=0, most=_WEEKDAYS - 1),
        most=_WEEKDAYS,
        metadata={"description": "Sunday is 0; none: every day."},
    )
    repeat_end_datetime = Moment(allow_none=True, metadata={"description": "The last day on which it may start."})
    terminated_on = Moment(allow_none=True, metadata={"description": "null lifts what terminate_on has ended."})
    rotation = ours.Flag()
    parent_id = ours.Text(longest=limits.ONCALL_ID_LENGTH, allow_none=True)
    schedule_ids = ours.ids(most=limits.SCHEDULES_OF_EVENT)
    account_user_ids = ours.Several(ours.Text(longest=limits.ONCALL_ID_LENGTH), most=limits.ATTENDEES, distinct=False)
    exceptions = ours.Several(_Exception(), most=limits.EXCEPTIONS_SENT, distinct=False)
    meta = ours.Meta()


BODY: Final = EventBody()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What could be read, by the names of our own fields, and every problem with what could not."""

    words: Mapping[str, Any]
    problems: tuple[str, ...]
    names: Mapping[str, str]

    @property
    def unread(self) -> frozenset[str]:
        """The names of the fields that problems are with."""
        return frozenset(_FIRST_NAME.split(problem, maxsplit=1)[0] for problem in self.problems)

    def told(self, faults: Iterable[Fault]) -> list[str]:
        """Faults as sentences that begin with the name by which the client knows the field.

        What could not be read has been told of, and whatever stands in for it is not judged.
        """
        named = [(self.names.get(field, field), fault) for field, fault in faults]
        return [f"{name} {fault}" for name, fault in named if name not in self.unread]


def read_new_event(sent: Mapping[str, Any]) -> Asked:
    """A whole event."""
    valid, problems = read_partly(BODY, _cleared(sent), _said_once)
    asked = _asked(valid, problems, sent)
    missing = [
        asked.names.get(name, name)
        for name in _REQUIRED
        if asked.words.get(name) in (None, ()) and not asked.unread & {*_TWO_NAMES.get(name, ()), name}
    ]
    blank = tuple(f"{name} {ours.BLANK}" for name in missing)
    return Asked(words=asked.words, problems=(*blank, *asked.problems), names=asked.names)


def read_event_changes(sent: Mapping[str, Any]) -> Asked:
    """What shall be different of an event."""
    valid, problems = read_partly(BODY, _cleared(sent), _said_once, _somebody)
    return _asked(valid, problems, sent)


def _cleared(sent: Mapping[str, Any]) -> dict[str, Any]:
    """What was sent, with null for an empty text where null is allowed, and with what null means where it is not."""
    cleared = dict(sent)
    for name in sent:
        if name in _CLEARED and sent[name] == "":
            cleared[name] = None
        elif name in _EMPTIED and sent[name] in (None, ""):
            cleared[name] = _EMPTIED[name]
    return cleared


def _said_once(valid: Mapping[str, Any]) -> Iterator[str]:
    for one, other in _TWO_NAMES.values():
        if one in valid and other in valid and valid[one] != valid[other]:
            yield f"{one} and {other} are two names of one time, and say different ones; leave one of them out"


def _somebody(valid: Mapping[str, Any]) -> Iterator[str]:
    if valid.get("account_user_ids") == []:
        yield f"account_user_ids {ours.BLANK}"


def _asked(valid: Mapping[str, Any], problems: Iterable[str], sent: Mapping[str, Any]) -> Asked:
    words: dict[str, Any] = {}
    names = dict(_NAMES)
    for name, value in valid.items():
        words[_OUR_NAMES.get(name, name)] = tuple(value) if isinstance(value, list) else value
    for ours_, (first, second) in _TWO_NAMES.items():
        either = [words.pop(name) for name in (first, second) if name in words]
        if either:
            words[ours_] = either[0]
        if first not in sent and second in sent:
            names[ours_] = second
    if words.get("unit") is not None:
        words["unit"] = Unit(words["unit"])
    if "days_of_week" in words:
        words["days_of_week"] = tuple(sorted(words["days_of_week"]))
    return Asked(words=words, problems=tuple(problems), names=names)
