"""How late is too late, and what then? An occurrence that is only a little late rings, whatever its policy says.

A takeover or a broker's restart delays by seconds, and nobody wants those occurrences dropped; after an outage of
minutes hardly anybody wants them all at once, and the event's misfire policy decides.

| policy | of the occurrences that are later than a minute |
|---|---|
| latest | the latest one rings, if it is within the grace |
| skip | none rings |
| all | the latest 100 within the grace ring |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from shared.domain.delivery import CATCH_UP_MOST, Delivery, MisfirePolicy
from shared.timing.instants import Instant

# Up to here every occurrence rings, however many a timer has in it (60 at one a second).
MISFIRE_AFTER_MS: Final = 60_000


def misfired_through(now: Instant, delivery: Delivery) -> Instant:
    """What was due up to this moment is so late that the misfire policy decides."""
    grace = delivery.misfire_grace_ms  # without min(), which costs more than all of this, twice a ring
    return now - (grace if grace < MISFIRE_AFTER_MS else MISFIRE_AFTER_MS) - 1


def out_of_grace_through(now: Instant, delivery: Delivery) -> Instant:
    """What was due up to this moment is too late under any policy."""
    return now - delivery.misfire_grace_ms - 1


def is_overtaken(due: Instant, now: Instant, delivery: Delivery, *, successors: Callable[[], int]) -> bool:
    """Is an occurrence that was taken in time, and has waited for its host since, not worth ringing any more?

    `successors`: how many later occurrences of the same timer have been taken; asked only where it matters.
    """
    if due > misfired_through(now, delivery):
        return False
    if due <= out_of_grace_through(now, delivery):
        return True
    match delivery.misfire_policy:
        case MisfirePolicy.LATEST:
            return successors() > 0
        case MisfirePolicy.SKIP:
            return True
        case MisfirePolicy.ALL:
            return successors() >= CATCH_UP_MOST
