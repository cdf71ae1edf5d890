"""Many events asked for in one request: each is what it would be alone, and every problem names it by its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from marshmallow import ValidationError, fields, validate

from api_service import limits
from api_service.schemas import fields as ours
from api_service.schemas.events import EventCreation, NewEvent, read_one_of, show_event
from api_service.schemas.json_steps import Steps, read_long_json
from api_service.schemas.json_text import write_json
from api_service.schemas.reading import Strict, bounded, read_partly
from shared.domain.egress import Egress
from shared.domain.errors import InvalidInput
from shared.domain.event import Event
from shared.timing.instants import Instant

_KEY: Final = "events"


class _Events(fields.List[Any]):
    """As many events as there may be; what each of them says is read later, while others have their turns."""

    default_error_messages = ours.SAID | {"invalid": "should be an array of events"}

    def __init__(self, **kwargs: Any) -> None:
        length = validate.Length(min=1, max=limits.BATCH_EVENTS)
        super().__init__(fields.Nested(EventCreation), validate=length, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        if not 0 < len(value) <= limits.BATCH_EVENTS:
            raise ValidationError(f"should have 1 to {limits.BATCH_EVENTS} items")
        return value


class BatchCreation(Strict):
    """What a client says to create many events: all of them, or none."""

    events = _Events(
        required=True,
        metadata={"description": "The events, each as it would be created alone; the same twice is two events."},
    )


BATCH: Final = BatchCreation()


def read_batch(body: bytes) -> Steps[Any]:
    """What the body says, and not yet whether that is right; raises InvalidInput."""
    return (yield from read_long_json(body, _KEY, most=limits.BATCH_EVENTS))


def read_new_events(sent: Any, now: Instant, egress: Egress) -> Steps[list[NewEvent]]:
    """The events that were asked for, in their order; raises InvalidInput with every problem of any of them."""
    wanted: list[NewEvent] = []
    given, problems = read_partly(BATCH, sent)
    for place, one in enumerate(given.get(_KEY, ())):
        new, found = read_one_of(one, now, egress, place=f"{_KEY}[{place}]")
        problems += found
        if new is not None:
            wanted.append(new)
        yield
    if problems:
        raise InvalidInput(bounded(problems, most=limits.BATCH_PROBLEMS))
    return wanted


def write_events(events: Sequence[Event], now: Instant) -> Steps[str]:
    """The events as JSON, as a list has them."""
    shown = []
    for event in events:
        shown.append(write_json(show_event(event, now)))
        yield
    return f'{{"data":[{",".join(shown)}],"meta":{{"total":{len(shown)}}}}}'


def problem_of(place: int, said: str) -> str:
    """What is wrong with the event at this place."""
    return f"{_KEY}[{place}].{said}"
