"""The canaries' part of a worker: the same looks as for a firing, and then no request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from dispatcher_service.core.canary import Canary, Song
from dispatcher_service.core.firing import Verdict, may_ring
from dispatcher_service.core.lease import Lease
from dispatcher_service.core.shard import Shard
from shared.clock import Clock


class Canaries:
    """The canaries of the shards that ring here; `on_song` is told by how many seconds one was late."""

    def __init__(
        self, *, shards: Mapping[int, Shard], lease: Lease, clock: Clock, on_song: Callable[[float], None]
    ) -> None:
        self._shards = shards
        self._lease = lease
        self._clock = clock
        self._on_song = on_song
        self._parked: list[Song] = []

    def heard(self) -> Iterator[Canary]:
        """Those whose turn comes: a shard that does not ring has none, nor one that is just being armed."""
        return (shard.canary for shard in self._shards.values() if shard.rings and shard.canary.heard)

    @property
    def silent(self) -> int:
        """How many have missed their turns though we may ring."""
        steady = self._clock.steady()
        return sum(canary.is_silent(steady) for canary in self.heard()) if self._lease.holds(steady) else 0

    def take_parked(self) -> list[Song]:
        """Those that met no lease, for another try."""
        parked, self._parked = self._parked, []
        return parked

    async def sing(self, song: Song) -> None:
        """Look, let others have their turn as a connection would, look again; then it has sung, and awaits its next."""
        shard = self._shards.get(song.canary.shard)
        if shard is None or shard.canary is not song.canary:
            return  # of a session before
        if not self._cleared(shard, song, begun=False):
            return
        started = self._clock.now()
        await self._clock.sleep(0)
        if self._cleared(shard, song, begun=True):
            self._on_song(max(started - song.nominal, 0) / 1000)
            shard.sing(self._clock.now(), self._clock.steady())

    def _cleared(self, shard: Shard, song: Song, *, begun: bool) -> bool:
        decision = may_ring(shard, leased=self._lease.holds(self._clock.steady()), begun=begun)
        if decision is Verdict.WAIT:
            self._parked.append(song)
        return decision is Verdict.GO
