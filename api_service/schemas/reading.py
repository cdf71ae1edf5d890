"""From what was sent to what was meant, or to every problem with it at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, TypeAlias, TypeVar

from marshmallow import RAISE, Schema, ValidationError, missing

from shared.domain.errors import InvalidInput

_PROBLEMS_MOST = 100
_NAME_LENGTH = 64
_FIRST_NAME = re.compile(r"[ .\[]")

Check: TypeAlias = Callable[[Mapping[str, Any]], Iterable[str]]
First = TypeVar("First")
Second = TypeVar("Second")


class Strict(Schema):
    """A schema that refuses, by name, what it does not know. `refused` says why a field that exists is not taken."""

    refused: ClassVar[Mapping[str, str]] = {}

    class Meta:
        """Unknown fields are problems."""

        unknown = RAISE

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._known = {field.data_key or name: (name, field) for name, field in self.load_fields.items()}
        self._needed = [name for name, field in self.load_fields.items() if field.required]
        self._defaults = {
            name: field.load_default for name, field in self.load_fields.items() if field.load_default is not missing
        }
        self._is_plain = not any(self._hooks.values()) and not any(map(callable, self._defaults.values()))
        names = ", ".join(field.data_key or name for name, field in self.load_fields.items())
        self.error_messages["unknown"] = f"is not known here; known are {names}"
        self.error_messages["type"] = "should be a JSON object"

    def quickly(self, sent: Any) -> dict[str, Any] | None:
        """What `load` makes of this, in a third of its time; None where `load` has to say what is wrong.

        The fields are the same and judge the same. What is saved is all that marshmallow does for the case that one
        of them refuses.
        """
        if not self._is_plain or type(sent) is not dict:
            return None
        valid = self._defaults.copy()
        try:
            for key, value in sent.items():
                name, field = self._known[key]
                valid[name] = field.deserialize(value, key, sent)
        except (KeyError, ValidationError):
            return None
        return valid if all(name in valid for name in self._needed) else None

    def handle_error(self, error: ValidationError, data: Any, **kwargs: Any) -> None:
        """Say why a field is refused that exists elsewhere."""
        messages = error.messages
        if isinstance(messages, dict):
            messages.update({name: [why] for name, why in self.refused.items() if name in messages})


def read(schema: Schema, sent: Any, *checks: Check, name: str = "the body") -> dict[str, Any]:
    """What was sent, as the schema has it; raises InvalidInput with every problem.

    Each check sees the fields that are in order and names what is wrong between them.
    """
    valid, problems = read_partly(schema, sent, *checks, name=name)
    if problems:
        raise InvalidInput(problems)
    return valid


def read_partly(
    schema: Schema, sent: Any, *checks: Check, name: str = "the body", place: str = ""
) -> tuple[dict[str, Any], list[str]]:
    """What of that which was sent is in order, and every problem with what is not.

    `place` is where it was sent, in what has others beside it; it goes before each problem.
    """
    problems: list[str] = []
    valid: Any = schema.quickly(sent) if isinstance(schema, Strict) else None
    if valid is None:
        try:
            valid = schema.load(sent)
        except ValidationError as error:
            valid, problems = error.valid_data, list(_flat(error.messages, place, name))
    before = f"{place}." if place else ""
    if isinstance(valid, dict):
        for check in checks:
            problems.extend(before + problem for problem in check(valid))
    if problems:
        problems = bounded(_in_order(problems, schema, sent, before), before=f"{place}: " if place else "")
    return valid if isinstance(valid, dict) else {}, problems


def both(first: Callable[[], First], second: Callable[[], Second]) -> tuple[First, Second]:
    """What both readings give; raises InvalidInput with the problems of either."""
    try:
        one = first()
    except InvalidInput as error:
        problems = error.problems
    else:
        return one, second()
    try:
        second()
    except InvalidInput as error:
        problems += error.problems
    raise InvalidInput(problems)


def _flat(messages: Any, path: str, whole: str) -> Iterator[str]:
    """Each message as a sentence that begins with the path of its field."""
    if isinstance(messages, dict):
        for key, below in messages.items():
            yield from _flat(below, _path(path, key), whole)
    else:
        yield from (f"{path or whole} {message}" for message in messages)


def _path(path: str, key: object) -> str:
    if key == "_schema":
        return path
    if isinstance(key, int):
        return f"{path}[{key}]"
    name = str(key)[:_NAME_LENGTH]
    return f"{path}.{name}" if path else name


def _in_order(problems: list[str], schema: Schema, sent: Any, before: str) -> list[str]:
    """The problems in the order of the schema's fields, then of the fields that were sent and are none."""
    names = [field.data_key or name for name, field in schema.load_fields.items()]
    names += [name for name in sent if name not in names] if isinstance(sent, dict) else []
    places = {name[:_NAME_LENGTH]: place for place, name in enumerate(names)}

    def place(problem: str) -> tuple[int, str]:
        name = _FIRST_NAME.split(problem.removeprefix(before), maxsplit=1)[0]
        first = places.get(name, len(places))
        return first, problem if "not known here" in problem else ""  # marshmallow finds those in no order

    return sorted(problems, key=place)


def bounded(problems: list[str], *, most: int = _PROBLEMS_MOST, before: str = "") -> list[str]:
    """The problems, or where they are too many the first of them and how many more there are."""
    if len(problems) <= most:
        return problems
    return [*problems[:most], f"{before}and {len(problems) - most} more problems"]
