"""Where does a page go on? A cursor names the last row of the page before; what is in it is nobody's business."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from marshmallow import ValidationError

from api_service.schemas import fields as ours
from api_service.schemas.json_text import read_json, write_json
from shared.domain.errors import InvalidInput
from shared.timing.instants import Instant, to_datetime

LENGTH: Final = 256
_REFUSED: Final = "should be meta.next of the page before; leave it out to begin with the newest"


class Cursor(ours.Text):
    """A cursor that clients hand back; `parts` read what it is made of, and raise ValueError for what they cannot."""

    def __init__(self, *parts: Callable[[Any], Any], **kwargs: Any) -> None:
        self.parts = parts
        super().__init__(longest=LENGTH, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        self.check_length(text)
        try:
            place = _opened(text)
            return tuple(part(said) for part, said in zip(self.parts, place, strict=True))
        except (ValueError, InvalidInput):
            raise ValidationError(_REFUSED) from None


def write_cursor(*parts: int | str) -> str:
    """The cursor that says this place."""
    return urlsafe_b64encode(write_json(parts).encode()).rstrip(b"=").decode()


def instant_part(said: Any) -> Instant:
    """A moment inside of a cursor."""
    if not isinstance(said, int) or isinstance(said, bool) or said < 0:
        raise ValueError("no moment")
    try:
        to_datetime(said)
    except OverflowError as error:
        raise ValueError("no moment that can be stored") from error
    return said


def flag_part(said: Any) -> bool:
    """Yes or no inside of a cursor."""
    if not isinstance(said, bool):
        raise ValueError("neither yes nor no")  # noqa: TRY004 - what a client sends has no types
    return said


def uuid_part(said: Any) -> UUID:
    """A UUID inside of a cursor."""
    return UUID(str(said))


def _opened(text: str) -> list[Any]:
    place = read_json(urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)), name="cursor")
    if not isinstance(place, list) or write_cursor(*place) != text:
        raise ValueError("no place, or not as it was written")
    return place
