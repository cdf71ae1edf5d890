"""Logs are events: a constant name and facts as fields; lines for a person on a terminal, JSON for everything else.

Whatever a process says goes this way: our events, what libraries log, warnings, and errors that nobody has caught.
Writing waits for whoever reads the stream; a stream that is broken costs its lines and nothing else.
"""

from __future__ import annotations

import contextvars
import json
import logging
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, TextIO, TypeAlias

import structlog

from shared.observability.tracebacks import traceback_of

Logger: TypeAlias = structlog.typing.FilteringBoundLogger


def get_logger(name: str) -> Logger:
    """A logger that says where its events come from; usable before `configure`."""
    logger: Logger = structlog.get_logger(source=name)
    return logger


@contextmanager
def in_context(**facts: object) -> Iterator[None]:
    """All that is logged in this block, and in tasks that are begun in it, has these facts and those that are added."""
    _context.set(facts)
    try:
        yield
    finally:
        _context.set({})


def add_to_context(**facts: object) -> None:
    """What is logged from here to the end of the block has these facts, too."""
    _context.set({**_context.get(), **facts})


def with_context(_logger: object, _level: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """The event with the facts of its context; its own come first."""
    return {**_context.get(), **event}


# One variable for all facts: structlog has one for each, at a multiple of the cost, and every request has some.
_context: contextvars.ContextVar[Mapping[str, object]] = contextvars.ContextVar("facts", default=MappingProxyType({}))


def configure(level: str = "info", *, to: TextIO | None = None) -> None:
    """Send every event of this level or above to the stream, standard error by default."""
    stream = to or sys.stderr
    for_people = stream.isatty()
    last: Any = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if for_people
        else structlog.processors.JSONRenderer(serializer=_json)
    )
    structlog.configure(
        processors=[
            with_context,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(lambda info: traceback_of(info[1])),
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: _Lines(stream),
        cache_logger_on_first_use=True,  # a logger made for each event costs as much as its line
    )
    _take_over()


class _Lines:
    """Writes lines. What logs must not fall over it: where nobody reads any more, it goes on without its lines."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        try:
            self._stream.write(f"{line}\n")
            self._stream.flush()
        except (OSError, ValueError):
            return

    debug = info = warning = error = critical = msg


class _FromLibraries(logging.Handler):
    """Their log records as events of ours.

    What is filled into a message may be anything, a callback's body for instance; so the message is shown unfilled.
    A library's connection lives on in the context of the request that opened it, so the context is left out.
    """

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage() if record.name == "py.warnings" else str(record.msg)
        message = text.splitlines()[0] if text else ""
        log = get_logger(record.name)
        error = record.exc_info[1] if record.exc_info else None
        level = min(record.levelno // 10 * 10, logging.CRITICAL)  # a library may have levels of its own
        contextvars.Context().run(log.log, level, "library.complained", message=message, exc_info=error)


# Not msgspec, which is quicker: it writes all fields of an object that has some, also those that its `repr` keeps to
# itself; and lines that differ by their spaces would be found by half of the searches in the manual.
_ENCODER = json.JSONEncoder(default=repr)


def _json(event: Any, **_: Any) -> str:
    return _ENCODER.encode(event)


def _take_over() -> None:
    """Let nothing else write to standard error."""
    log = get_logger(__name__)
    logging.basicConfig(handlers=[_FromLibraries()], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    sys.excepthook = lambda _kind, error, _trace: log.critical("process.failed", exc_info=error)
    threading.excepthook = lambda args: log.critical("thread.failed", exc_info=args.exc_value)
    sys.unraisablehook = lambda args: log.error("error.ignored", exc_info=args.exc_value)
