"""`make run`: everything on this machine until Ctrl-C. What is wrong with the surroundings is said in one line."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM)


def main() -> int:
    """Run until told to stop; 0 after a clean stop, 1 where the surroundings did not allow it."""
    # Until the event loop takes the signals over nothing is open, and an import cannot be unwound without a traceback.
    for number in STOPPING:
        signal.signal(number, _leave_at_once)

    from deploy.local.surroundings import Unsuitable
    from deploy.local.terminal import live_until_told

    try:
        live_until_told(STOPPING)
    except Unsuitable as unsuitable:
        print(f"carillon: {unsuitable}", file=sys.stderr)
        return 1
    return 0


def _leave_at_once(_number: int, _frame: FrameType | None) -> None:
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
