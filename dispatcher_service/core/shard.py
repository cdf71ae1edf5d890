"""What the owner of a shard knows of it. Messages may be lost, repeated or reordered; this makes sense of them.

Versions are in commit order per shard and every change has one, so what is missing shows as a gap. `through`: every
change up to this version is known, or reflected in the last snapshot; such a change is old news, whatever it says.
A snapshot may be older than what we know: we remember what has gone since its horizon, so that it resurrects nothing,
and refuse a snapshot from before our memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from itertools import chain

from dispatcher_service.core.adding_up import adding_up
from dispatcher_service.core.agenda import Agenda
from dispatcher_service.core.assemblies import Assemblies, Assembly
from dispatcher_service.core.canary import Canary
from dispatcher_service.core.held import Held, completes, inherit
from dispatcher_service.core.keyring import Keyring
from shared.domain.firing import PendingFiring
from shared.domain.timer import Timer
from shared.messages.catalogue import Gone, Rotated, ShardDigest, SnapshotPage, Triggered, Upserted, What
from shared.timing.instants import Instant

SLICE = 10  # timers between two chances to breathe: with a rule that nobody has read yet each takes 0.3 ms
TOMBSTONES = 2_000  # how many timers that are gone are remembered at least; what is more falls out by halves
_KNOWN = 10_000  # of how many unfinished firings it is remembered how often they were attempted


class Stage(Enum):
    """How far an owner is with its shard."""

    LISTING = auto()  # owned, and waiting for the snapshot: nothing rings
    LIVE = auto()
    LEAVING = auto()  # being given up: nothing new rings
    LOST = auto()  # somebody else's


class PageVerdict(Enum):
    """What a page of a snapshot meant."""

    TAKEN = auto()
    COMPLETE = auto()  # it was the last one: the shard is known now
    IGNORED = auto()  # of another run of pages, or out of order
    OVERTAKEN = auto()  # somebody else was given a higher epoch: ask again


class Shard:
    """One shard, from claim to loss."""

    def __init__(self, number: int, incarnation: str, agenda: Agenda, keyring: Keyring | None = None) -> None:
        self.number = number
        self.incarnation = incarnation
        self.stage = Stage.LISTING
        self.epoch = 0
        self.through = 0
        self.handed_over = False
        self.canary = Canary(number)
        self.pages = 0  # of use to us so far: is a snapshot under way?
        self.timers: dict[str, Held] = {}
        self.unintelligible: dict[str, Timer] = {}  # of whose rules this release can make nothing: they never ring
        self._agenda = agenda
        self._keyring = keyring if keyring is not None else Keyring()
        self._listed = False
        self._beyond: set[int] = set()
        self._promised = 0  # a digest spoke of this version
        self._overtaken = 0  # somebody else was given this epoch
        self._remembered = 0  # every timer that went at a version above this one is in `_gone`
        self._gone: dict[str, int] = {}
        self._forgotten = 0  # how many timers were held and are not, in their form of then
        self._finished: dict[str, Held] = {}  # a rule that is heard of after the end may have begun before it
        self._pending: list[tuple[int, PendingFiring]] = []
        self._attempts: dict[tuple[str, Instant, bool], tuple[int, Instant]] = {}  # what we know of unfinished firings
        self._assemblies = Assemblies()

    @property
    def rings(self) -> bool:
        """May firings of this shard be attempted?"""
        return self.stage is Stage.LIVE

    @property
    def has_gap(self) -> bool:
        """Is something missing that only a snapshot can tell: a change that must have been made, or our epoch?"""
        return self._promised > self.through or bool(self._beyond) or self._overtaken > self.epoch

    def change(self, version: int, what: What) -> None:
        """Take in one change, in whatever order it comes."""
        if version <= self.through or version in self._beyond:
            return
        match what:
            case Upserted(timer, keys):
                timer.version = version
                self._keyring.learn(keys)
                self._upsert(timer)
            case Gone(timer_id):
                self._bury(timer_id, version)
            case Triggered(firing):
                self._pending.append((version, firing))
            case Rotated(keys):
                self._keyring.learn(keys)
        self._beyond.add(version)
        if self._listed:  # before the first horizon there is nothing to be contiguous with
            self._close_ranks()

    def page(self, page: SnapshotPage) -> Iterator[PageVerdict]:
        """Take in a page, a slice of timers at a time; the last verdict is the page's."""
        if page.epoch < self.epoch:
            yield PageVerdict.IGNORED
            return
        if page.incarnation != self.incarnation:
            news = page.epoch > max(self.epoch, self._overtaken)  # ask once, not for each of its pages
            self._overtaken = max(self._overtaken, page.epoch)
            yield PageVerdict.OVERTAKEN if news else PageVerdict.IGNORED
            return
        self.epoch = page.epoch
        assembly = None if page.horizon < self._remembered else self._assemblies.of(page)
        if assembly is None:
            yield PageVerdict.IGNORED
            return
        self.pages += 1
        assembly.next_page += 1
        assembly.pending.extend(page.pending)
        for keys in page.keys:
            self._keyring.learn(keys)
        for position, timer in enumerate(page.timers, start=1):
            assembly.ids.add(timer.id)
            self._upsert(timer)
            if position % SLICE == 0:
                yield PageVerdict.TAKEN
        if page.last:
            self.handed_over = page.handed_over
            self._complete(assembly)
        yield PageVerdict.COMPLETE if page.last else PageVerdict.TAKEN

    def go_live(self) -> Iterator[None]:
        """Everything is known: ring from now on, a slice of timers at a time. Harmless on a live shard."""
        if self.stage is not Stage.LISTING:
            return
        self.stage = Stage.LIVE
        self.await_pending()  # before anything rings: what is unfinished decides what overlaps
        forgotten = self._forgotten
        for position, held in enumerate(list(self.timers.values()), start=1):
            is_held = forgotten == self._forgotten or self.timers.get(held.timer.id) is held
            if is_held and self.stage is Stage.LIVE:
                self._agenda.arm(held)
            if position % SLICE == 0:
                yield

    def sing(self, now: Instant, steady: float) -> None:
        """If the shard rings, its canary is heard of now and awaits its next turn."""
        if self.rings:
            self._agenda.await_song(self.canary, now, steady)

    def leave(self, stage: Stage) -> None:
        """Ring nothing any more: the shard is being given up, or is lost."""
        self.stage = stage
        self._agenda.silence(self.canary)
        for held in self.timers.values():
            self._agenda.disarm(held)
            self._agenda.drop_waiting(held)

    def await_pending(self) -> None:
        """Let the unfinished firings that are news wait for their next attempt, each once."""
        if not self.rings:
            return
        pending, self._pending = self._pending, []
        for version, firing in pending:
            if firing.timer_id in self.timers:
                self.await_attempt(firing)
            elif version > self.through:  # the event's creation has been overtaken
                self._pending.append((version, firing))

    def await_attempt(self, firing: PendingFiring) -> bool:
        """Let this firing wait for its next attempt; False where it is old news, or none of our business."""
        name = (firing.timer_id, firing.nominal, firing.manual)
        held = self.timers.get(firing.timer_id)
        by_hand = firing.attempts == firing.attempts_before  # such a one may have been given up without an attempt
        known = (firing.attempts, firing.due if by_hand else -1)
        if held is None or not self.rings or self._attempts.get(name, (-1, -1)) >= known:
            return False
        self._attempts[name] = known
        while len(self._attempts) > _KNOWN:
            del self._attempts[next(iter(self._attempts))]
        self._agenda.await_attempt(held, firing)
        return True

    def pause(self, held: Held) -> None:
        """The receiver wants no more: nothing of the timer rings until a change says otherwise."""
        held.timer.paused = True
        if self.rings and self.timers.get(held.timer.id) is held:
            self._agenda.arm(held)

    def finish(self, held: Held) -> None:
        """The timer has ended; only a change can bring it back."""
        self._agenda.disarm(held)
        if self.timers.get(held.timer.id) is held:
            self._bury(held.timer.id, held.timer.version)
            held.unfinished = None
            self._finished[held.timer.id] = held
            while len(self._finished) > TOMBSTONES:
                del self._finished[next(iter(self._finished))]

    def differs(self, digest: ShardDigest) -> bool:
        """Do we hold something else than we should? A digest of another version says only that it exists."""
        self._promised = max(self._promised, digest.version)
        if digest.version != self.through or self._beyond:
            return False
        timers = [*(held.timer for held in self.timers.values()), *self.unintelligible.values()]
        *sums, rosters = adding_up(timers, digest.ends_after)
        if sums != [digest.count, digest.versions_sum, digest.versions_xor]:
            return True
        return digest.rosters not in {rosters, -1}

    def _upsert(self, timer: Timer) -> None:
        name, before = timer.id, None
        # Of the thousands in a first snapshot hardly any is met again.
        if name in self.timers or name in self.unintelligible or name in self._gone or name in self._finished:
            known = self._known(name)
            version = known.version if known is not None else self._gone.get(name, -1)
            if version >= timer.version and not (known is not None and completes(timer, known)):
                self._learn(timer)
                return
            before = self._forget(name) or self._finished.pop(name, None)
        try:
            held = self._agenda.hold(timer, self.number)
        except ValueError:
            self.unintelligible[name] = timer
            return
        if before is not None:
            inherit(held, before)  # what we have taken is not taken again, whatever the database knew
        self.timers[name] = held
        if self.stage is Stage.LIVE:
            self._agenda.arm(held)

    def _learn(self, told: Timer) -> None:
        """The same timer, told again: more of its occurrences may be settled by now."""
        held = self.timers.get(told.id)
        if held is None or held.timer.version != told.version:
            return
        timer, anchor = held.timer, held.timer.anchor
        timer.anchor = max(anchor, told.anchor)
        timer.settled = tuple(sorted({moment for moment in (*timer.settled, *told.settled) if moment > timer.anchor}))
        if timer.anchor > anchor and self.stage is Stage.LIVE:
            self._agenda.arm(held)

    def _known(self, timer_id: str) -> Timer | None:
        held = self.timers.get(timer_id)
        return held.timer if held is not None else self.unintelligible.get(timer_id)

    def _forget(self, timer_id: str) -> Held | None:
        """What was held under this name, disarmed."""
        self.unintelligible.pop(timer_id, None)
        held = self.timers.pop(timer_id, None)
        if held is not None:
            self._forgotten += 1
            self._agenda.disarm(held)
        return held

    def _drop(self, timer_id: str) -> None:
        """What was held under this name is gone, and with it what waits for another attempt."""
        if (held := self._forget(timer_id)) is not None:
            self._agenda.drop_waiting(held)

    def _bury(self, timer_id: str, version: int) -> None:
        """The timer is gone as of this version; a later one may bring it back, an older one may not."""
        if (known := self._known(timer_id)) is not None and known.version > version:
            return
        self._drop(timer_id)
        self._gone[timer_id] = max(version, self._gone.get(timer_id, -1))
        if len(self._gone) > 2 * TOMBSTONES:
            self._remember_above(sorted(self._gone.values())[-TOMBSTONES - 1])

    def _remember_above(self, version: int) -> None:
        self._remembered = max(self._remembered, version)
        self._gone = {timer_id: gone for timer_id, gone in self._gone.items() if gone > self._remembered}

    def _close_ranks(self) -> None:
        while self.through + 1 in self._beyond:
            self.through += 1
            self._beyond.remove(self.through)

    def _complete(self, assembly: Assembly) -> None:
        horizon = assembly.horizon
        for timer_id in [name for name in chain(self.timers, self.unintelligible) if name not in assembly.ids]:
            known = self._known(timer_id)
            if known is not None and known.version <= horizon:  # gone or finished, and we did not hear of it
                self._drop(timer_id)
        self._pending = [(version, firing) for version, firing in self._pending if version > horizon] + [
            (horizon, firing) for firing in assembly.pending
        ]
        self._listed = True
        self.through = max(self.through, horizon)
        self._beyond = {version for version in self._beyond if version > self.through}
        self._close_ranks()
        self._remember_above(horizon)
        self._assemblies.clear()
