"""A process that says everything there is to say, in every way; it is told a secret."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import warnings
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.observability.logs import add_to_context, configure, get_logger, in_context

log = get_logger("talkative")

LEVEL, SECRET = sys.argv[1:]  # no literal: a traceback shows the line that raised


class Said(Exception):
    """Of a library."""


@dataclass
class Holder:
    """Of something that its `repr` keeps to itself."""

    name: str
    secret: str = field(repr=False)


class Ignored:
    def __del__(self) -> None:
        raise ValueError(SECRET)


def fail(secret: str) -> None:
    try:
        int(secret)
    except ValueError as error:
        raise Said(f"no number: {secret}") from error


def complain() -> None:
    log.debug("thing.ignored")
    log.info("thing.told", number=1, when=datetime(2026, 1, 1, tzinfo=UTC), odd="\ud800\n\x00é", none=None)
    log.info("thing.held", one=Holder("of one", SECRET), more=[Holder("of more", SECRET)])
    with in_context(request="r-1"):
        add_to_context(application_id=7)
        log.warning("thing.told", where="in context")
        logging.getLogger("library").warning("it is %s", SECRET)
    log.info("thing.told", where="out of context")
    logging.getLogger("library").info("not worth a line")
    logging.getLogger("library").error("two\nlines", exc_info=Said(SECRET))
    logging.getLogger("library").log(35, "by a level of its own")
    warnings.warn("this is old", DeprecationWarning, stacklevel=1)
    try:
        fail(SECRET)
    except Said:
        log.exception("thing.failed")
    log.error("thing.failed", exc_info=ExceptionGroup(SECRET, [OSError(111, "refused"), KeyError(SECRET)]))


async def forget() -> None:
    async def failing() -> None:
        raise ValueError(SECRET)

    task = asyncio.create_task(failing())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task


def main() -> None:
    configure(LEVEL)
    warnings.simplefilter("always")
    complain()
    asyncio.run(forget())
    thread = threading.Thread(target=fail, args=[SECRET])
    thread.start()
    thread.join()
    Ignored()
    fail(SECRET)


if __name__ == "__main__":
    main()
