"""From the inboxes to the agenda: snapshots, changes, comparisons; and asking again for what did not come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, MutableMapping
from typing import Protocol, TypeVar
from uuid import uuid4

from dispatcher_service.core.shard import PageVerdict, Shard, Stage
from dispatcher_service.loops.handovers import Handovers
from dispatcher_service.loops.ticker import Ticker
from shared.bus.port import BusUnavailable, Delivery, Session, Work
from shared.clock import Clock, arrives
from shared.messages.catalogue import (
    DigestRequest,
    ScheduleChanges,
    ShardDigest,
    SnapshotPage,
    SnapshotRequest,
    ToShard,
)
from shared.messages.codec import ContractError, decode_to_shard, decode_what, encode
from shared.observability.logs import get_logger

# What a previous owner reported may take this long to be visible behind the lock it has lost.
CLAIM_TO_REQUEST_SECONDS = 0.25
REQUEST_EXPIRES_SECONDS = 5.0
ASK_AGAIN_SECONDS = (2.0, 16.0)  # doubled while nothing comes: those who answer may have much to do
# After so long the reports before us are not waited for: ringing again what they tell of is better than not ringing.
BEHIND_REPORTS_SECONDS = 10.0
GAP_PATIENCE_SECONDS = 2.0
COMPARE_EVERY_SECONDS = 30
FLUSH_SECONDS = 2.0
# How long the loop is kept from ringing at a time. Measured and not counted in timers: one may cost a hundred others.
SLICE_SECONDS = 0.001
# So many turns of the loop are everybody else's then: as many as a ring takes from being due until its bytes leave.
TURNS = 4

log = get_logger(__name__)

T = TypeVar("T")


class Requests(Protocol):
    """What the intake needs of a publisher."""

    async def to_work(self, queue: Work, body: bytes, *, expires_after: float | None = None) -> None:
        """Confirmed, or BusUnavailable."""
        ...


class Reports(Protocol):
    """What the intake needs of the reporter."""

    async def flush(self) -> None:
        """Everything added so far is confirmed."""
        ...

    async def ask(self, request: SnapshotRequest, *, expires_after: float) -> None:
        """A request that travels behind all reports."""
        ...


class Intake:
    """Makes shards known, and keeps them so, for one session."""

    def __init__(
        self,
        *,
        session: Session,
        shards: MutableMapping[int, Shard],
        ticker: Ticker,
        requests: Requests,
        reports: Reports,
        clock: Clock,
        name: str,
        takeover_wait: float,
        handovers: Handovers,
        keep: Callable[[], None] = lambda: None,
    ) -> None:
        """`keep` is called when a shard has begun to ring: what is there now stays for long."""
        self._session = session
        self._shards = shards
        self._ticker = ticker
        self._requests = requests
        self._reports = reports
        self._clock = clock
        self._name = name
        self._takeover_wait = takeover_wait
        self._handovers = handovers
        self._keep = keep
        self._in_bulk = asyncio.Lock()
        self._pages = 0  # of use to any shard so far
        self._known: dict[Shard, asyncio.Event] = {}
        self._gap_since: dict[int, float] = {}

    async def run(self) -> None:
        """Take in what arrives until the session is over."""
        async for delivery in self._session.deliveries():
            await self._take_in(delivery)

    async def list_shard(self, shard: Shard, *, died: bool = False) -> None:
        """Make a newly claimed shard known, asking until it is; then let it ring. `died`: its owner, as far as we know.

        What is left by a dead owner is asked for once, when that may be answered; an early answer would be in the way
        of the answers for all its other shards.
        """
        claimed = self._clock.steady()
        self._known[shard] = asyncio.Event()
        if not died:
            await self._until_known(shard)
        if not shard.handed_over and shard.stage is Stage.LISTING:
            # The previous owner has not said goodbye: an earlier answer may have come before its last reports.
            await self._clock.sleep(max(CLAIM_TO_REQUEST_SECONDS - (self._clock.steady() - claimed), 0))
            self._known[shard].clear()
            await self._until_known(shard)
        del self._known[shard]
        if not shard.handed_over and self._takeover_wait:
            waited = self._clock.steady() - claimed
            await self._clock.sleep(max(self._takeover_wait - waited, 0))
        await self._in_slices(shard.go_live(), between=self._ticker.wake)
        if shard.rings:
            self._keep()
            seconds = self._clock.steady() - claimed
            self._handovers.rings(seconds)
            log.info("shard.opened", **_of(shard), timers=len(shard.timers), after_seconds=round(seconds, 3))
            shard.sing(self._clock.now(), self._clock.steady())
            shard.await_pending()
            self._ticker.wake()

    async def watch(self) -> None:
        """Compare every shard with the database every now and then, and cure gaps that stay; for ever."""
        second = 0
        while True:
            await self._clock.sleep(1.0)
            second += 1
            for shard in list(self._shards.values()):
                if shard.stage is not Stage.LIVE:
                    continue
                if (shard.number + second) % COMPARE_EVERY_SECONDS == 0:
                    await self._compare(shard)
                await self._cure_gap(shard)

    async def _until_known(self, shard: Shard) -> None:
        """Ask, and ask again where no page has come since, until the shard is known or lost.

        While others are answered ours may only wait for its turn, up to where it would have expired: asked for twice,
        a shard is read and told twice, and whoever answers is busy.
        """
        seconds, longest = ASK_AGAIN_SECONDS
        pages, answers = shard.pages, self._pages
        begun = asked = self._clock.steady()
        await self._ask_behind_reports(shard)
        while not await arrives(self._known[shard], within=seconds) and shard.stage is Stage.LISTING:
            now, silence = self._clock.steady(), self._pages == answers
            if shard.pages == pages and (silence or now - asked >= REQUEST_EXPIRES_SECONDS):
                patient, asked = now - begun < BEHIND_REPORTS_SECONDS, now
                await (self._ask_behind_reports(shard) if patient else self._ask(shard))
                seconds = min(seconds * 2, longest) if silence else seconds
            pages, answers = shard.pages, self._pages
        if self._known[shard].is_set():
            self._handovers.snapshot_in(self._clock.steady() - begun)

    async def _take_in(self, delivery: Delivery) -> None:
        shard = self._shards.get(delivery.shard) if delivery.shard is not None else None
        if shard is not None:
            try:
                await self._apply(shard, decode_to_shard(delivery.body))
            except ContractError as error:
                log.error("inbox.misunderstood", shard=delivery.shard, error=str(error))  # noqa: TRY400 - no trace wanted
                await delivery.bury()
                return
        await delivery.ack()

    async def _apply(self, shard: Shard, message: ToShard) -> None:
        unintelligible = len(shard.unintelligible)
        match message:
            case ScheduleChanges():
                await self._changes(shard, message)
            case SnapshotPage():
                await self._page(shard, message)
            case ShardDigest():
                if shard.differs(message):
                    log.warning("shard.difference_found", **_of(shard), version=message.version, expected=message.count)
                    await self._ask(shard)
        if len(shard.unintelligible) > unintelligible:
            log.error("timers.misunderstood", **_of(shard), timers=list(shard.unintelligible)[-10:])
        shard.await_pending()
        self._ticker.wake()

    async def _changes(self, shard: Shard, message: ScheduleChanges) -> None:
        def one_by_one() -> Iterator[None]:
            for change in message.changes:
                shard.change(change.version, decode_what(change.what))
                yield

        await self._in_slices(one_by_one())

    async def _page(self, shard: Shard, page: SnapshotPage) -> None:
        await self._breathe()  # it took a millisecond or two to be decoded
        verdict = await self._in_slices(shard.page(page)) or PageVerdict.IGNORED
        self._pages += verdict in {PageVerdict.TAKEN, PageVerdict.COMPLETE}
        if verdict is PageVerdict.OVERTAKEN:
            await self._ask(shard)
        elif verdict is PageVerdict.COMPLETE:
            self._gap_since.pop(shard.number, None)
            if (known := self._known.get(shard)) is not None:
                known.set()

    async def _in_slices(self, work: Iterator[T], *, between: Callable[[], None] = lambda: None) -> T | None:
        """Do all of it, and return what came last; `between` is called after each slice.

        Of whatever is done in bulk here, one slice comes at a time, and then whoever rings has turns enough.
        """
        last: T | None = None
        more = True
        while more:
            async with self._in_bulk:
                breath, more = self._clock.steady() + SLICE_SECONDS, False
                for each in work:
                    last = each
                    if more := self._clock.steady() >= breath:
                        break
                between()
                await self._breathe()
        return last

    async def _breathe(self) -> None:
        for _ in range(TURNS):
            await self._clock.sleep(0)

    async def _cure_gap(self, shard: Shard) -> None:
        if not shard.has_gap:
            self._gap_since.pop(shard.number, None)
            return
        now = self._clock.steady()
        since = self._gap_since.setdefault(shard.number, now)
        if now - since >= GAP_PATIENCE_SECONDS:
            log.warning("shard.gap_found", **_of(shard), through=shard.through)
            self._gap_since[shard.number] = now
            await self._ask(shard)

    async def _compare(self, shard: Shard) -> None:
        request = DigestRequest(shard=shard.number, incarnation=shard.incarnation)
        try:
            await self._requests.to_work(Work.SNAPSHOTS, encode(request), expires_after=REQUEST_EXPIRES_SECONDS)
        except BusUnavailable:
            log.info("comparison.skipped", **_of(shard))  # the next one is half a minute away

    async def _ask_behind_reports(self, shard: Shard) -> None:
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._reports.flush()
                await self._reports.ask(self._request(shard), expires_after=REQUEST_EXPIRES_SECONDS)
        except (BusUnavailable, TimeoutError):
            log.info("snapshot.request_delayed", **_of(shard))  # it is asked for again

    async def _ask(self, shard: Shard) -> None:
        try:
            await self._requests.to_work(
                Work.SNAPSHOTS, encode(self._request(shard)), expires_after=REQUEST_EXPIRES_SECONDS
            )
        except BusUnavailable:
            log.info("snapshot.request_failed", **_of(shard))  # watch asks again

    def _request(self, shard: Shard) -> SnapshotRequest:
        self._handovers.snapshot_asked()
        return SnapshotRequest(shard=shard.number, incarnation=shard.incarnation, owner=self._name, request=uuid4().hex)


def _of(shard: Shard) -> dict[str, int]:
    return {"shard": shard.number, "epoch": shard.epoch}
