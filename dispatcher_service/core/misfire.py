"""How late is too late? An occurrence that is only a little late rings; long stretches ring once, with the latest.

A takeover or a broker's restart delays by seconds, and nobody wants those occurrences dropped; after an outage of
minutes nobody wants them all at once.
"""

from __future__ import annotations

from shared.timing.instants import Instant

# Up to here every occurrence rings, however many a timer has in it (60 at one a second).
MISFIRE_AFTER_MS = 60_000
# Beyond this not even the latest one rings.
MISFIRE_GRACE_MS = 86_400_000


def is_misfire(nominal: Instant, now: Instant) -> bool:
    """Is this occurrence too old to ring even as the latest one?"""
    return now - nominal > MISFIRE_GRACE_MS


def is_overtaken(nominal: Instant, anchor: Instant, now: Instant) -> bool:
    """Is this occurrence, which was taken and has waited, not worth ringing any more? `anchor`: the last one taken."""
    return is_misfire(nominal, now) or (now - nominal > MISFIRE_AFTER_MS and anchor > nominal)
