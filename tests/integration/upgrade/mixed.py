"""An installation on one schema whose processes are of two releases, and any of which may be there or not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.servers.processes import Service, eventually
from tests.servers.receiver import Receiver

WHOLE_WITHIN: Final = 40.0
SHARDS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixed:
    """One API and one dispatcher of each release: "previous" and "ours"."""

    receiver: Receiver
    apis: dict[str, Service]
    dispatchers: dict[str, Service]

    @property
    def services(self) -> list[Service]:
        """Every process that there may be."""
        return [*self.apis.values(), *self.dispatchers.values()]

    async def only(self, *, apis: Sequence[str], dispatchers: Sequence[str]) -> None:
        """Return when these run and no others, and if there are dispatchers, they ring every shard."""
        wanted = [*(self.apis[name] for name in apis), *(self.dispatchers[name] for name in dispatchers)]
        leaving = [one for one in self.services if one.runs and one not in wanted]
        for one in leaving:
            one.terminate()
        for one in wanted:
            if not one.runs:
                one.start()
        for one in leaving:
            await one.gone()
        await self.whole()

    async def whole(self) -> None:
        """Return when whatever runs is ready, and the dispatchers among it ring every shard."""

        async def all_ring() -> bool:
            for one in self.services:
                if one.runs:
                    await one.ready()
            owned = [await one.figure("carillon_owned_shards") for one in self.dispatchers.values() if one.runs]
            return sum(owned) == (SHARDS if owned else 0)

        await eventually(all_ring, within=WHOLE_WITHIN, what=lambda: "every shard rings")

    def complaints(self) -> Iterator[dict[str, Any]]:
        """What any process has logged as an error."""
        for one in self.services:
            for line in one.log.read_text(errors="replace").splitlines() if one.log.exists() else ():
                said = json.loads(line) if line.startswith("{") else {}
                if said.get("level") in {"error", "critical"}:
                    yield {"who": one.name} | said

    async def end(self) -> None:
        """Leave no process running; all is judged, so there is no goodbye."""
        print(*self.complaints(), sep="\n")  # beside a failure
        running = [one for one in self.services if one.runs]
        for one in running:
            one.kill()
        for one in running:
            await one.gone()
