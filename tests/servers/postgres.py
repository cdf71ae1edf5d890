"""A real Postgres for tests, and a database of its own for each test that asks: cloning one is cheap."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeAlias

import asyncpg

from deploy.local.postgres import PostgresServer

Fill: TypeAlias = Callable[[str], Awaitable[object]]

PATIENCE: Final = 30.0  # seconds: on a busy machine it is slow, and not away


class Postgres(PostgresServer):
    """A server with templates: what a `fill` writes is written once, and cloned from then on."""

    def __init__(self, folder: Path, *, durable: bool = False, shared_buffers: str = "128MB") -> None:
        super().__init__(folder, durable=durable, shared_buffers=shared_buffers)
        self._numbers = itertools.count(1)
        self._templates: dict[Fill, str] = {}

    @property
    def pid(self) -> int:
        """The process's id, while it runs."""
        assert self._process is not None, "started"
        return self._process.pid

    async def fresh_database(self, fill: Fill | None = None) -> str:
        """The DSN of a new database, as `fill` leaves one when it is given its DSN; empty without.

        The same function fills only once, so it is best a module's own and not made for the occasion.
        """
        template = "template1" if fill is None else await self._template(fill)
        return await self._create_database("fresh", template)

    async def _template(self, fill: Fill) -> str:
        if fill not in self._templates:
            dsn = await self._create_database("template", "template1")
            await fill(dsn)
            self._templates[fill] = dsn.rpartition("/")[2]
        return self._templates[fill]

    async def _create_database(self, kind: str, template: str) -> str:
        name = f"{kind}_{next(self._numbers)}"
        connection = await asyncpg.connect(self.dsn)
        try:
            await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        finally:
            await connection.close()
        return self.dsn_of(name)
