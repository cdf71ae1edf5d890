"""What may be said of an error that nobody foresaw: where it happened, and of what kind it is. Never what it was about.

The message of a stranger's error often quotes the value that it choked on, which may be anybody's secret. The line that
raised it is shown, and says as much; messages of our own errors and of the operating system's name no values.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from textwrap import indent

OURS = ("api_service.", "dispatcher_service.", "shared.", "deploy.")
# What Postgres says of an error beside its message, in which values stand.
_FACTS = ("sqlstate", "table_name", "column_name", "constraint_name")


def said_of(error: BaseException) -> str:
    """An error in one line, without values."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(error, OSError) or kind.__module__.startswith(OURS):
        return f"{name}: {error}".splitlines()[0].removesuffix(": ")
    facts = " ".join(str(fact) for one in _FACTS if (fact := getattr(error, one, None)) is not None)
    return f"{name}: {facts}" if facts else name


def traceback_of(error: BaseException) -> str:
    """The error, what it came of, and what is in it if it is a group, as Python shows them."""
    return "\n".join(_lines(error, set()))


def _lines(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _lines(before, seen)
        yield "\nThe above exception led to this one:\n"
    if error.__traceback__ is not None:
        yield "Traceback (most recent call last):"
        yield "".join(traceback.format_tb(error.__traceback__)).rstrip()
    yield said_of(error)
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield indent("\n".join(_lines(inner, seen)), "  | ")
