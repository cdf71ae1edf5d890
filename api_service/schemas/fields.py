"""The kinds of values that people send us: each says what is wrong with one, and what would be right.

A message is the end of a sentence that begins with the field's name. Each field judges a value by itself, once; the
validators that some have are there for OpenAPI, which shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from marshmallow import ValidationError, fields, missing, validate

from api_service import limits
from api_service.schemas.moments import read_moment
from api_service.schemas.urls import fault_of_url
from shared.domain.owner import ON_CALL, names_schedule
from shared.timing import cron
from shared.timing.instants import Instant, iso
from shared.timing.zones import UnknownZone, canonical_name

SAID: dict[str, Any] = {"required": "is required", "null": "should not be null"}


class Judging(fields.Field[Any]):
    """A field whose `_deserialize` refuses whatever is wrong with a value: no validator is asked."""

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """The value as it is meant; what marshmallow asks beside took longer than most fields do."""
        if value is None or value is missing:
            return super().deserialize(value, attr, data, **kwargs)
        return self._deserialize(value, attr, data, **kwargs)


class Text(Judging, fields.String):
    """A string of 1 to `longest` characters."""

    default_error_messages = SAID | {"invalid": "should be a string"}

    def __init__(self, *, longest: int, shortest: int = 1, **kwargs: Any) -> None:
        self.longest = longest
        self.shortest = shortest
        super().__init__(**kwargs)
        self.validators.insert(0, validate.Length(min=shortest, max=longest))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        text = self.understood(value)
        self.check_length(text)
        return text

    def understood(self, text: str) -> str:
        """The text in the form we keep; raises ValidationError."""
        return text

    def check_length(self, text: str) -> None:
        """Refuse what is too long before looking at it any closer."""
        if not self.shortest <= len(text) <= self.longest:
            raise ValidationError(f"should have {self.shortest} to {self.longest} characters")


_is_email = validate.Email()


@lru_cache(maxsize=4_096)  # of an application's many events few people are the owners
def _fault_of_address(text: str) -> str | None:
    try:
        _is_email(text)
    except ValidationError:
        return "should be an e-mail address, e.g. user@example.com"
    # An old standard lets them be quoted, and no mail could be sent there.
    return None if text.isprintable() else "should have no control characters"


class AppName(Text):
    """The name of an application, without blanks around it or control characters in it."""

    def understood(self, text: str) -> str:
        """The name as it is."""
        if text != text.strip() or not text.isprintable():
            raise ValidationError("should have no blanks at its ends and no control characters")
        return text


class Choice(Text):
    """One of a few words."""

    def __init__(self, *words: str, **kwargs: Any) -> None:
        self.words = words
        super().__init__(longest=max(map(len, words)), validate=validate.OneOf(words), **kwargs)

    def understood(self, text: str) -> str:
        """The word, when it is one of them."""
        if text not in self.words:
            raise ValidationError(f"should be one of {', '.join(self.words)}")
        return text


class Email(Text):
    """An e-mail address."""

    def understood(self, text: str) -> str:
        """The address as it is."""
        self.check_length(text)
        if (fault := _fault_of_address(text)) is not None:
            raise ValidationError(fault)
        return text


class Owner(Email):
    """An e-mail address, or a schedule: whoever is on call there."""

    def understood(self, text: str) -> str:
        """The owner as it is."""
        if not text.startswith(ON_CALL):
            return super().understood(text)
        if not names_schedule(text):
            raise ValidationError(f"should be an e-mail address, or {ON_CALL} and a schedule's id")
        return text


class Interval(Text):
    """A cron expression."""

    def understood(self, text: str) -> str:
        """The expression as it was sent, when it is one."""
        try:
            cron.parse(text)
        except cron.InvalidRule as error:
            raise ValidationError(f"is not a valid cron expression: {error}") from None
        return text


class Timezone(Text):
    """The name of a time zone in the IANA database."""

    def understood(self, text: str) -> str:
        """The name as the database spells it."""
        self.check_length(text)
        try:
            return canonical_name(text)
        except UnknownZone as error:
            raise ValidationError(f"is not an IANA time zone: {error}") from None


class CallbackUrl(Text):
    """A URL that can be POSTed to."""

    def understood(self, text: str) -> str:
        """The URL as it is."""
        self.check_length(text)
        fault = fault_of_url(text)
        if fault is not None:
            raise ValidationError(fault)
        return text


class Moment(Judging):
    """A date: any ISO 8601 moment with an offset on the way in, UTC with milliseconds on the way out."""

    default_error_messages = SAID | {"invalid": "should be a string"}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Instant:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        try:
            return read_moment(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def _serialize(self, value: Instant | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else iso(value)


class Whole(Judging, fields.Integer):
    """A whole number between two bounds. In a body it is a JSON number; in a query string, its digits."""

    default_error_messages = SAID

    def __init__(self, *, least: int, most: int, written: bool = False, **kwargs: Any) -> None:
        self.least, self.most, self.written = least, most, written
        super().__init__(validate=validate.Range(min=least, max=most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if self.written and isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not self.least <= value <= self.most:
            raise ValidationError(f"should be a whole number from {self.least} to {self.most}")
        return value


class Number(Judging, fields.Float):
    """A number between two bounds."""

    default_error_messages = SAID

    def __init__(self, *, least: int, most: int, **kwargs: Any) -> None:
        self.least, self.most = least, most
        super().__init__(validate=validate.Range(min=least, max=most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not self.least <= value <= self.most:
            raise ValidationError(f"should be a number from {self.least} to {self.most}")
        return float(value)


class Flag(Judging, fields.Boolean):
    """True or false; in a query string, the word."""

    default_error_messages = SAID

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if isinstance(value, bool):
            return value
        if not isinstance(value, str) or value not in {"true", "false"}:
            raise ValidationError("should be true or false")
        return value == "true"


class Items(Judging, fields.List[str]):
    """An array of at most `most` strings, where `single` is set also one string on its own."""

    default_error_messages = SAID | {"invalid": "should be an array of strings"}

    def __init__(self, item: Text, *, most: int, distinct: bool = False, single: bool = False, **kwargs: Any) -> None:
        self.most, self.distinct, self.single = most, distinct, single
        super().__init__(item, validate=validate.Length(max=most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if self.single and isinstance(value, str):
            value = [value]
        if not isinstance(value, list):
            raise self.make_error("invalid")
        if len(value) > self.most:
            raise ValidationError(f"should have at most {self.most} items")
        items = super()._deserialize(value, attr, data, **kwargs) or []
        if self.distinct and len(set(items)) != len(items):
            raise ValidationError("should have no item twice")
        return items


class Context(Judging, fields.Dict):
    """The JSON object that a callback carries, bounded in depth and in the number of its values."""

    default_error_messages = SAID | {"invalid": "should be a JSON object"}

    def __init__(self, *, most: int = limits.CONTEXT_SCALARS, **kwargs: Any) -> None:
        self.most = most
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[Any, Any]:
        if not isinstance(value, dict):
            raise self.make_error("invalid")
        depth, scalars = _extent(value)
        if depth > limits.CONTEXT_DEPTH:
            raise ValidationError(f"should be nested at most {limits.CONTEXT_DEPTH} levels deep")
        if scalars > self.most:
            raise ValidationError(f"should have at most {self.most} values")
        return value


def _extent(value: Mapping[str, Any]) -> tuple[int, int]:
    """How deep the containers go, and how many values are none."""
    depth, scalars = 0, 0
    level: list[Any] = [value]
    while level:
        depth += 1
        below: list[Any] = []
        for container in level:
            for child in container.values() if isinstance(container, dict) else container:
                if isinstance(child, dict | list):
                    below.append(child)
                else:
                    scalars += 1
        level = below
    return depth, scalars
