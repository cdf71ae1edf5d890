"""A server as a child process: started on a tether, signalled, waited for."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path


class ServerDied(RuntimeError):
    """A server ended when it should not, or never became ready."""


class TetheredProcess:
    """A server's process. It ends with this one, however this one ends."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        farewell: signal.Signals = signal.SIGTERM,
        uid: int | None = None,
        keep: Sequence[int] = (),
    ) -> None:
        """Start it. `keep` are file descriptors that it holds as long as it lives."""
        tether = Path(__file__).with_name("tether.py")
        with log.open("ab") as output:
            self._tether = subprocess.Popen(
                [
                    *(sys.executable, "-IS", str(tether), farewell.name, "-" if uid is None else str(uid)),
                    *map(str, command),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env=None if env is None else dict(env),
                cwd="/",
                pass_fds=keep,
                start_new_session=True,  # Ctrl-C on a terminal is for whoever started it
            )
        assert self._tether.stdout is not None  # noqa: S101 - a pipe was asked for
        first = self._tether.stdout.readline()
        if not first:
            raise ServerDied(f"could not start {command[0]}: {log.read_text(errors='replace')[-2000:]}")
        self.pid = int(first)
        self._farewell = farewell

    @property
    def is_running(self) -> bool:
        """Has it not ended?"""
        return self._tether.poll() is None

    def end(self, sign: signal.Signals | None = None, *, patience: float = 30.0) -> None:
        """Send the signal, or the farewell, and wait; kill whatever is left after the patience."""
        if self.is_running:
            with suppress(ProcessLookupError):
                os.kill(self.pid, sign or self._farewell)
            try:
                self._tether.wait(patience)
            except subprocess.TimeoutExpired:
                self.kill()
        self._close()

    def kill(self) -> None:
        """Kill it and its children at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._tether.wait(10)
        self._close()

    def _close(self) -> None:
        for pipe in (self._tether.stdin, self._tether.stdout):
            if pipe is not None:
                pipe.close()


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
