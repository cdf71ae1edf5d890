"""A newcomer's terminal: what `make run` starts, in a folder and a session of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PATIENCE: Final = 30.0  # seconds; a test fails by its assertion, not by this
FAREWELL: Final = 5.0


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def environment(**settings: str) -> dict[str, str]:
    """The machine's environment, with these settings and none of the servers that tests may have been given."""
    kept = {name: value for name, value in os.environ.items() if name not in {"AMQP_URL", "DATABASE_URL"}}
    return kept | {"PYTHONPATH": str(ROOT)} | settings


@dataclass(slots=True, kw_only=True)
class Terminal:
    """What is on the screen, and the keys that can be pressed."""

    process: asyncio.subprocess.Process
    port: int
    screen: list[str] = field(default_factory=list)

    async def shows(self, text: str) -> str:
        """The next line with this text."""
        assert self.process.stdout
        async with asyncio.timeout(PATIENCE):
            async for line in self.process.stdout:
                self.screen.append(line.decode().rstrip("\n"))
                if text in self.screen[-1]:
                    return self.screen[-1]
        raise AssertionError(f"it ended without {text!r}:\n" + "\n".join(self.screen))

    def press(self, key: signal.Signals) -> None:
        """A signal to the whole foreground process group, as a terminal sends it."""
        os.killpg(self.process.pid, key)

    async def ends(self) -> int:
        """The exit code; what is still printed is added to the screen. It may be starting yet, on a busy machine."""
        async with asyncio.timeout(PATIENCE):
            rest, _ = await self.process.communicate()
        self.screen += rest.decode().splitlines()
        return self.process.returncode or 0


@asynccontextmanager
async def terminal(folder: Path, *, port: int | None = None, **settings: str) -> AsyncIterator[Terminal]:
    """Carillon, starting; whatever a test leaves running is killed."""
    port = port or free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "deploy.local",
        cwd=folder,
        env=environment(API_PORT=str(port), **settings),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield Terminal(process=process, port=port)
    finally:
        if process.returncode is None:
            # SIGTERM first: it stops Postgres too.
            process.terminate()
            try:
                async with asyncio.timeout(FAREWELL):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def bash(script: str, *, folder: Path, port: int) -> tuple[int, str]:
    """What a shell says to these lines, pasted in this folder."""
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-euo",
        "pipefail",
        "-c",
        script,
        cwd=folder,
        env=environment(API_PORT=str(port)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(PATIENCE):
        said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


def running_in(folder: Path) -> list[str]:
    """The command lines of the processes that were told of this folder, or were started in it."""
    return [line for entry in Path("/proc").glob("[0-9]*") if (line := _line_of(entry, folder))]


def _line_of(entry: Path, folder: Path) -> str:
    try:
        line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        is_there = (entry / "cwd").resolve().is_relative_to(folder)
    except OSError:  # it has ended meanwhile, or is not ours
        return ""
    return line if is_there or str(folder) in line else ""
