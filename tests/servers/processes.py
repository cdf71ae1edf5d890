"""Both services as an operator starts them: separate processes, told everything by their environment, logging to files.

They are started, waited for, and ended one by one by their process id; whoever starts them must end them.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self, TypeVar

import aiohttp

from deploy.local.process import TetheredProcess, free_port

ROOT: Final = Path(__file__).parents[2]
READY_WITHIN: Final = 15.0
GONE_WITHIN: Final = 30.0
LOOK_EVERY: Final = 0.05
TAIL_LINES: Final = 40

# What a process needs of ours to run at all; settings come from the test and from nowhere else.
_INHERITED: Final = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")


T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one process is started; `port` is where it answers /readyz, `code` the folder of its release."""

    name: str
    module: str
    settings: Mapping[str, str]
    port: int
    folder: Path
    code: Path = ROOT

    @classmethod
    def api(cls, name: str, folder: Path, settings: Mapping[str, str]) -> Self:
        """A replica of the API on a free port."""
        port = free_port()
        told = {**settings, "API_HOST": "127.0.0.1", "API_PORT": str(port)}
        return cls(name=name, module="api_service", settings=told, port=port, folder=folder)

    @classmethod
    def dispatcher(cls, name: str, folder: Path, settings: Mapping[str, str]) -> Self:
        """A dispatcher with its probe on a free port."""
        port = free_port()
        told = {**settings, "PROBE_HOST": "127.0.0.1", "PROBE_PORT": str(port), "DISPATCHER_NAME": name}
        told.pop("DATABASE_URL", None)
        return cls(name=name, module="dispatcher_service", settings=told, port=port, folder=folder)

    def of(self, code: Path) -> Self:
        """The same process, of the release whose code is in this folder."""
        return replace(self, code=code)


class Service:
    """One process of one of the services."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self._process: TetheredProcess | None = None

    @property
    def name(self) -> str:
        """What the test calls it."""
        return self.recipe.name

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.recipe.port}"

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    @property
    def log(self) -> Path:
        """Everything it said, over all its starts."""
        return self.recipe.folder / f"{self.name}.log"

    @property
    def runs(self) -> bool:
        """Is there a process?"""
        return self._process is not None and self._process.is_running

    def start(self) -> None:
        """Start the process; `ready` waits for it."""
        assert not self.runs, f"{self.name} runs already"
        self.end()  # what was killed has pipes that are open
        # The tether's standard output is spoken for.
        command = ["/bin/sh", "-c", 'exec "$0" "$@" >&2', sys.executable, "-m", self.recipe.module]
        self._process = TetheredProcess(command, log=self.log, env=environment(self.recipe.settings, self.recipe.code))

    async def ready(self, *, within: float = READY_WITHIN) -> None:
        """Return when it says that it is ready."""
        async with aiohttp.ClientSession(self.url) as session:

            async def is_ready() -> bool:
                assert self.runs, f"{self.name} ended by itself:\n{self.tail()}"
                return await self._says_ready(session)

            await eventually(is_ready, within=within, what=lambda: f"{self.name} is ready:\n{self.tail()}")

    async def is_ready(self) -> bool:
        """Does it say now that it is ready?"""
        async with aiohttp.ClientSession(self.url) as session:
            return await self._says_ready(session)

    async def figure(self, metric: str) -> float:
        """The value of a metric that has no labels."""
        (value,) = await self.figures(metric)
        return value

    async def figures(self, *metrics: str) -> list[float]:
        """The values of metrics that have no labels, at one moment: to tell them all takes a service milliseconds."""
        async with (
            asyncio.timeout(5),
            aiohttp.ClientSession(self.url) as session,
            session.get("/metrics") as answer,
        ):
            text = await answer.text()
        return [self._value(text, metric) for metric in metrics]

    def _value(self, text: str, metric: str) -> float:
        found = re.search(rf"^{re.escape(metric)} (\S+)$", text, re.MULTILINE)
        assert found is not None, f"{self.name} knows no {metric}"
        return float(found[1])

    def kill(self) -> None:
        """As the kernel does it: without warning."""
        self._signal(signal.SIGKILL)

    def terminate(self) -> None:
        """As an operator does it: politely."""
        self._signal(signal.SIGTERM)

    def freeze(self) -> None:
        """Stop it from running, and keep it."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it run again."""
        self._signal(signal.SIGCONT)

    async def gone(self) -> None:
        """Return when the process that was told to end has ended."""
        assert self._process is not None, f"{self.name} was never started"
        await asyncio.to_thread(self._process.end, patience=GONE_WITHIN)

    def end(self) -> None:
        """Leave nothing running, whatever state it is in."""
        if self._process is not None:
            if self.runs:
                with suppress(ProcessLookupError):
                    self.thaw()
            self._process.end(patience=GONE_WITHIN)

    def tail(self) -> str:
        """The last lines of its log."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-TAIL_LINES:])

    async def _says_ready(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get("/readyz", timeout=aiohttp.ClientTimeout(total=5)) as answer:
                # An API is ready without the bus; who starts one in a test wants all of it.
                return answer.status == 200 and "cannot be reached" not in await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            return False

    def _signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)


async def eventually(look: Callable[[], Awaitable[T]], *, within: float, what: Callable[[], str]) -> T:
    """What `look` finds, once it finds something. The state of another process has no event: it is looked at again."""
    try:
        async with asyncio.timeout(within):
            while not (found := await look()):  # noqa: ASYNC110 - the one place
                await asyncio.sleep(LOOK_EVERY)
    except TimeoutError as error:
        raise AssertionError(f"not within {within:g} s: {what()}") from error
    return found


def migrate(settings: Mapping[str, str], code: Path = ROOT) -> None:
    """Bring the schema up to date, as an operator does: to that of the release whose code is in this folder."""
    done = subprocess.run(
        [sys.executable, "-m", "api_service", "migrate"],
        cwd=code,
        env=environment(settings, code),
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")


def environment(settings: Mapping[str, str], code: Path = ROOT) -> dict[str, str]:
    """The environment of a process that is told these settings, and where its code is."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return kept | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(code)} | dict(settings)
