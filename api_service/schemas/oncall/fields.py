"""The kinds of values that people send about who is on call, as JSON says them or as a form can.

A message is the end of a sentence that begins with the field's name.
"""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, fields

from api_service import limits
from api_service.schemas import fields as strict
from shared.timing import zone_names
from shared.timing.zones import UnknownZone

BLANK = "can't be blank"
SAID: dict[str, Any] = {"required": BLANK, "null": BLANK}

_WHOLE = re.compile(r"-?\d{1,15}", re.ASCII)
_FLAGS: dict[str, bool] = {"true": True, "1": True, "false": False, "0": False}


class Text(strict.Text):
    """A string with something in it, without blanks around it."""

    default_error_messages = SAID

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if isinstance(value, str):
            value = value.strip()
            if not value:
                raise ValidationError(BLANK)
        return super()._deserialize(value, attr, data, **kwargs)

    def understood(self, text: str) -> str:
        """The text as it is; what is shown in one line has no control characters."""
        if not text.isprintable():
            raise ValidationError("should have no control characters")
        return text


class Email(Text):
    """An e-mail address."""

    _strict = strict.Email(longest=limits.EMAIL_LENGTH)

    def understood(self, text: str) -> str:
        """The address as it is."""
        return self._strict.understood(text)


class Zone(Text):
    """A time zone: a name of the list, or IANA's."""

    def understood(self, text: str) -> str:
        """The name as we show it."""
        self.check_length(text)
        try:
            return zone_names.canonical(text)
        except UnknownZone as error:
            raise ValidationError(f"is not one to choose from: {error}") from None


class Whole(fields.Integer):
    """A whole number between two bounds; in a form, its digits."""

    default_error_messages = SAID

    def __init__(self, *, least: int, most: int, **kwargs: Any) -> None:
        self.least, self.most = least, most
        super().__init__(strict=True, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        number = _whole(value)
        if number == "":
            raise ValidationError(BLANK)
        if not isinstance(number, int) or not self.least <= number <= self.most:
            raise ValidationError(f"should be a whole number from {self.least} to {self.most}")
        return number


class Flag(fields.Boolean):
    """True or false; in a form, true, false, 1 or 0."""

    default_error_messages = SAID

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        found = _FLAGS.get(str(value).lower()) if isinstance(value, bool | int | str) else None
        if found is None:
            raise ValidationError("should be true or false")
        return found


class Several(fields.List[Any]):
    """An array of at most `most` values, with `distinct` different ones; in a form, one may stand for an array of one.

    An empty text is no value: so a form says that there is none.
    """

    default_error_messages = SAID

    def __init__(self, item: fields.Field[Any], *, most: int, distinct: bool = True, **kwargs: Any) -> None:
        self.most, self.distinct = most, distinct
        super().__init__(item, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if isinstance(value, dict):
            raise ValidationError("should be an array")
        sent = [item for item in (value if isinstance(value, list) else [value]) if item != ""]
        if len(sent) > self.most:
            raise ValidationError(f"should have at most {self.most} items")
        items = super()._deserialize(sent, attr, data, **kwargs) or []
        if self.distinct and len(set(items)) != len(items):
            raise ValidationError("should have no item twice")
        return items


def ids(*, most: int, **kwargs: Any) -> Several:
    """An array of ids, each a ULID or a prefix id."""
    return Several(Text(longest=limits.ONCALL_ID_LENGTH), most=most, **kwargs)


class Meta(strict.Context):
    """A free JSON object, bounded by its depth and by what a body can hold."""

    default_error_messages = SAID

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(most=limits.BODY_BYTES, allow_none=True, **kwargs)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """The object; null and an empty text are the empty one."""
        found = super().deserialize(None if value == "" else value, attr, data, **kwargs)
        return {} if found is None else found


def _whole(value: Any) -> Any:
    """The number of a text of digits, and of a JSON number without a fraction; anything else as it is."""
    if isinstance(value, str):
        text = value.strip()
        return int(text) if _WHOLE.fullmatch(text) else text
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        return None
    return int(value) if isinstance(value, float) else value
