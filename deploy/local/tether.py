"""Runs a server that does not outlive whoever started it, even where that one is killed.

    python tether.py SIGNAL UID COMMAND…

Prints the server's process id. When its own stdin ends, the server gets the signal, and is killed if that does not
help. A UID other than the own one is taken on first; "-" keeps it. Only the standard library: it runs alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Final

PATIENCE_SECONDS: Final = 10


def main() -> int:
    """Start the server, hold on to it, and leave nothing of its process group behind."""
    gentle = signal.Signals[sys.argv[1]]
    uid = None if sys.argv[2] == "-" else int(sys.argv[2])
    server = subprocess.Popen(
        sys.argv[3:],
        stdin=subprocess.DEVNULL,
        user=uid,
        group=None if uid is None else _group(uid),
        extra_groups=None if uid is None else (),
        start_new_session=True,
        close_fds=False,  # a lock that the server holds as long as it lives
    )
    os.write(sys.stdout.fileno(), f"{server.pid}\n".encode())

    def follow() -> None:
        sys.stdin.buffer.read()
        with suppress(ProcessLookupError):
            server.send_signal(gentle)
        try:
            server.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            _sweep(server.pid)

    threading.Thread(target=follow, daemon=True).start()
    code = server.wait()
    _sweep(server.pid)
    return code


def _group(uid: int) -> int:
    import pwd

    return pwd.getpwuid(uid).pw_gid


def _sweep(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    os._exit(main() & 0xFF)
