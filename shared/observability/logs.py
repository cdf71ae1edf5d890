"""Logs are events: a constant name and facts as fields; lines for a person on a terminal, JSON for everything else."""

from __future__ import annotations

import logging
import sys
from typing import Any, TextIO, TypeAlias

import structlog

Logger: TypeAlias = structlog.typing.FilteringBoundLogger


def get_logger(name: str) -> Logger:
    """A logger that says where its events come from; usable before `configure`."""
    logger: Logger = structlog.get_logger(source=name)
    return logger


def configure(level: str = "info", *, to: TextIO | None = None) -> None:
    """Send every event of this level or above to the stream, standard error by default."""
    stream = to or sys.stderr
    last: Any = structlog.dev.ConsoleRenderer() if stream.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(file=stream),
    )
