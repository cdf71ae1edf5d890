"""Everything at once, in virtual time and without a network: whatever happens in whatever order, the promises hold.

Clients create, change, pause, resume, delete, trigger and replay; messages are lost, repeated and reordered; owners
are killed, or freeze and thaw; receivers answer anything. The core's own code decides; this plays the world around it.

Proved by breaking it: without the second look (`verdict` as the bytes are to leave) a frozen owner rings when it thaws;
without `Verdict.ENDED` something rings past its end; with `settled_through` at the anchor whatever is unreported, a
killed owner's occurrences are in no ledger, nor are a new rule's where `Book.record` takes what an older version
settled; without `inherit` a change makes an occurrence ring twice, and without its `_taken_after` a new rule does;
where it does not ask when the timer held before began, what was brought forward is missed; without `Shard._attempts` a
repeated snapshot attempts twice what is under way; where `Shard.await_pending` has nothing of a snapshot, what was
asked for by hand waits for ever; where a skipped stretch goes when its first occurrence was attempted, its others are
in no ledger. Tombstones are not needed here: test_shard and test_histories fail without them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dispatcher_service.core.agenda import Again, Agenda, Finish, Ring, Skip
from dispatcher_service.core.canary import Song
from dispatcher_service.core.firing import Firing, Heard, Verdict, attempted, firing_of, given_up, next_attempt, verdict
from dispatcher_service.core.held import Held
from dispatcher_service.core.shard import PageVerdict, Shard, Stage
from dispatcher_service.loops.ticker import _skipped_stretch
from shared.domain.delivery import Delivery, MisfirePolicy, OverlapPolicy, RetryPolicy
from shared.domain.event import Status
from shared.domain.firing import AttemptError, Execution, FailReason, Finished, Outcome
from shared.timing.instants import Instant
from tests.fakes.auditor import gaps
from tests.fakes.book import Book, Name
from tests.fakes.clock import EPOCH

LEASE = 4_000
RULES = st.sampled_from(["* * * * * *", "*/7 * * * * *", "0 * * * * *"])
DELIVERIES = st.builds(
    Delivery,
    retry=st.builds(RetryPolicy, max_attempts=st.integers(1, 4), initial_interval_ms=st.sampled_from([500, 20_000])),
    misfire_policy=st.sampled_from(MisfirePolicy),
    misfire_grace_ms=st.sampled_from([5_000, 86_400_000]),
    overlap_policy=st.sampled_from(OverlapPolicy),
    spread_ms=st.sampled_from([0, 0, 3_000]),
)
CHANGES = st.sampled_from(["rule", "end", "url", "start"])
LIVES = st.sampled_from([3_000, 30_000, 200_000, 400_000])
STATUSES = st.sampled_from([200, 200, 200, 500, 503, 404, 410, 0])


@dataclass
class Owner:
    """A dispatcher: what it holds, what it has sent and not heard of, what it has not reported."""

    shard: Shard
    agenda: Agenda
    leased_until: Instant
    connecting: list[tuple[Firing, Held]] = field(default_factory=list)
    under_way: list[tuple[Firing, int]] = field(default_factory=list)
    parked: list[Firing] = field(default_factory=list)
    reports: list[Outcome] = field(default_factory=list)


class World(RuleBasedStateMachine):
    """One shard, its database, its owner, and those who were its owners."""

    def __init__(self) -> None:
        super().__init__()
        self.now: Instant = EPOCH + 500
        self.book = Book()
        self.wires: list[int] = []
        self.published = 0
        self.arrived: dict[tuple[str, Instant, bool, int], int] = {}
        self.faulty = False
        self.faults = self.owners = 0
        self.frozen: list[Owner] = []
        self.owner = self.new_owner()

    # ------------------------------------------------------------------ the world's deeds

    @initialize(
        faulty=st.booleans(), interval=RULES, deliveries=st.lists(DELIVERIES, min_size=1, max_size=3), life=LIVES
    )
    def begin(self, faulty: bool, interval: str, deliveries: list[Delivery], life: int) -> None:
        self.faulty = faulty
        for delivery in deliveries:
            self.book.create(self.now, interval=interval, life=life, delivery=delivery)
        self.list(self.owner)

    @rule(interval=RULES, life=LIVES, delivery=DELIVERIES)
    def create(self, interval: str, life: int, delivery: Delivery) -> None:
        if len(self.book.events) < 4:
            self.book.create(self.now, interval=interval, life=life, delivery=delivery)
            self.publish()

    @precondition(lambda self: self.book.events)
    @rule(data=st.data(), interval=RULES, life=st.integers(1, 200_000), what=CHANGES)
    def change(self, data: st.DataObject, interval: str, life: int, what: str) -> None:
        choices: dict[str, dict[str, Any]] = {
            "rule": {"interval": interval},
            "end": {"end_date": self.now + life},
            "start": {"start_date": self.now + life - 50_000},
            "url": {"callback_url": f"http://x.test/{self.now}"},
        }
        self.book.change(self.some_event(data), self.now, **choices[what])
        self.publish()

    @precondition(lambda self: self.book.events)
    @rule(data=st.data(), deed=st.sampled_from(["pause", "resume", "trigger", "pause", "resume", "delete"]))
    def wish(self, data: st.DataObject, deed: str) -> None:
        name = self.some_event(data)
        if deed == "delete":
            self.book.delete(name)
        else:
            getattr(self.book, deed)(name, self.now)
        self.publish()

    @precondition(lambda self: any(row.status is Execution.FAILED for row in self.book.rows.values()))
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        failed = sorted(key for key, row in self.book.rows.items() if row.status is Execution.FAILED)
        self.book.replay(data.draw(st.sampled_from(failed)), self.now)
        self.publish()

    @precondition(lambda self: self.book.events)
    @rule(data=st.data(), paused=st.booleans(), heard=st.booleans(), milliseconds=st.sampled_from([7_000, 15_000]))
    def the_old_rule_rings_on(self, data: st.DataObject, paused: bool, heard: bool, milliseconds: int) -> None:
        """The owner has not heard of a new rule, rings and reports by the old one; then it hears, or goes."""
        name = self.some_event(data)
        was = self.book.events[name].interval
        if paused:
            self.book.pause(name, self.now)
        self.book.change(name, self.now, interval="*/7 * * * * *" if was == "* * * * * *" else "* * * * * *")
        self.publish()
        self.time_passes(milliseconds)
        self.finish_what_is_under_way(self.owner)
        if heard:
            self.arrive_all()
            self.run(self.owner)
        else:
            self.hand_over()
        if paused:  # what it rang may be the first of what this writes off
            self.book.change(name, self.now, interval=was)
            self.publish()

    @precondition(lambda self: self.book.events)
    @rule(data=st.data(), later=st.integers(20_000, 200_000), sooner=st.integers(-1_000, 20_000))
    def put_off_and_brought_forward(self, data: st.DataObject, later: int, sooner: int) -> None:
        name = self.some_event(data)
        for start in (later, sooner):
            self.book.change(name, self.now, start_date=self.now + start)
            self.publish()
            self.arrive_all()
            self.run(self.owner)
        self.time_passes(later)

    @rule(place=st.integers(0, 3), fate=st.sampled_from(["arrives", "arrives", "arrives", "arrives twice", "is lost"]))
    def wire(self, place: int, fate: str) -> None:
        if self.wires:
            version = self.wires.pop(min(place, len(self.wires) - 1))
            if fate != "is lost":
                self.owner.shard.change(version, self.book.change_of(version))
            if fate == "arrives twice":
                self.wires.append(version)
            self.run(self.owner)

    @rule(fails=st.booleans())
    def ask_for_a_snapshot(self, fails: bool) -> None:
        """While something is under way, perhaps for the second time, and the ledger knows it as unfinished."""
        if fails and self.owner.under_way:
            self.conclude(self.owner, 0, 503)
            self.record(self.owner, len(self.owner.reports))
            self.time_passes(2_000)
        self.connect(self.owner)
        self.list(self.owner)
        self.run(self.owner)
        self.connect(self.owner)

    @rule(milliseconds=st.sampled_from([0, 100, 1_000, 1_000, 1_000, 2_500, 7_000, 30_000, 130_000]))
    def time_passes(self, milliseconds: int) -> None:
        self.now += milliseconds
        self.owner.leased_until = self.now + LEASE
        self.run(self.owner)

    @precondition(lambda self: self.owner.under_way)
    @rule(place=st.integers(0, 5), status=STATUSES)
    def answer(self, place: int, status: int) -> None:
        self.conclude(self.owner, min(place, len(self.owner.under_way) - 1), status)

    @rule()
    def connections_are_made(self) -> None:
        self.connect(self.owner)

    @rule(some=st.integers(1, 10))
    def report(self, some: int) -> None:
        self.record(self.owner, some)

    @precondition(lambda self: self.faulty)
    @rule()
    def kill(self) -> None:
        self.faults += 1
        self.owner.shard.leave(Stage.LOST)
        self.owner = self.new_owner()

    @rule()
    def hand_over(self) -> None:
        """Graceful: what is under way is waited for a little, everything known is reported."""
        self.connect(self.owner)
        self.owner.shard.leave(Stage.LEAVING)
        self.finish_what_is_under_way(self.owner)
        self.owner.shard.leave(Stage.LOST)
        self.owner = self.new_owner()

    @precondition(lambda self: self.faulty)
    @rule()
    def freeze(self) -> None:
        """It stops in the middle of everything, and somebody else is given its shard when its lease is over."""
        self.faults += 1
        self.frozen.append(self.owner)
        self.now = max(self.now, self.owner.leased_until) + 1
        self.owner = self.new_owner()

    @precondition(lambda self: self.frozen)
    @rule(status=STATUSES)
    def thaw(self, status: int) -> None:
        """It goes on where it was, before it learns anything; then it learns."""
        zombie = self.frozen.pop(0)
        before = dict(self.arrived)
        self.run(zombie)
        self.connect(zombie)
        assert self.arrived == before, "no lease, no ring"
        while zombie.under_way:
            self.conclude(zombie, 0, status)
        zombie.shard.leave(Stage.LOST)
        self.record(zombie, len(zombie.reports))

    @invariant()
    def doubles_come_from_faults_alone(self) -> None:
        if not self.faults:
            assert set(self.arrived.values()) <= {1}

    # ------------------------------------------------------------------ what a dispatcher does

    def new_owner(self) -> Owner:
        self.owners += 1
        self.wires.clear()  # the inbox is gone
        agenda = Agenda()
        owner = Owner(Shard(0, f"owner-{self.owners}", agenda), agenda, self.now + LEASE)
        self.list(owner)
        self.run(owner)
        return owner

    def list(self, owner: Owner) -> None:
        page = self.book.snapshot(owner.shard.incarnation, f"answer-{self.owners}-{self.book.version}-{self.now}")
        assert list(owner.shard.page(page))[-1] in {PageVerdict.COMPLETE, PageVerdict.IGNORED}
        list(owner.shard.go_live())
        owner.shard.sing(self.now, 0.0)  # its canary is due among the others and changes nothing

    def run(self, owner: Owner) -> None:
        """Everything that is due, as the ticker and the workers do it."""
        owner.shard.await_pending()
        leased = self.now < owner.leased_until
        for firing in owner.parked if leased else []:
            self.attempt(owner, firing)
        owner.parked = [] if leased else owner.parked
        while leased and (decisions := owner.agenda.take(self.now)) is not None:
            for decision in decisions:
                match decision:
                    case Ring(held=held, nominal=nominal):
                        self.attempt(owner, Firing(shard=owner.shard, held=held, nominal=nominal, manual=False))
                    case Again(waiting=waiting):
                        self.attempt(owner, firing_of(owner.shard, waiting))
                    case Skip(held=held):
                        owner.reports.append(_skipped_stretch(decision))
                    case Song():
                        owner.shard.sing(self.now, 0.0)
                    case Finish(held=Held(timer=timer) as held):
                        owner.shard.finish(held)
                        owner.reports.append(Finished(timer_id=timer.id, end=timer.end, version=timer.version))

    def attempt(self, owner: Owner, firing: Firing) -> None:
        match verdict(firing, leased=self.now < owner.leased_until, now=self.now, begun=False):
            case Verdict.GO if (held := firing.current) is not None:
                owner.connecting.append((firing, held))
            case Verdict.WAIT:
                owner.parked.append(firing)
            case Verdict.DROP:
                pass
            case why:
                owner.reports.append(given_up(firing, why))

    def connect(self, owner: Owner) -> None:
        """The connections are there: the fence is asked, and the bytes leave, or it is looked at anew."""
        connecting, owner.connecting = owner.connecting, []
        for firing, held in connecting:
            go = verdict(firing, leased=self.now < owner.leased_until, now=self.now, begun=True) is Verdict.GO
            if go and firing.current is held:
                self.arrive(owner, firing, held)
            else:
                self.attempt(owner, firing)

    def arrive(self, owner: Owner, firing: Firing, held: Held) -> None:
        event = self.book.states[held.timer.id, held.timer.version]
        assert self.now < event.end_date, "past the end"
        assert event.status is not Status.PAUSED, "while paused"
        assert self.now >= firing.effective, "too early"
        name = (held.timer.id, firing.nominal, firing.manual, firing.attempt)
        self.arrived[name] = self.arrived.get(name, 0) + 1
        owner.under_way.append((firing, held.timer.version))

    def conclude(self, owner: Owner, place: int, status: int) -> None:
        firing, version = owner.under_way.pop(place)
        error = AttemptError.NONE if status == 200 else AttemptError.STATUS if status else AttemptError.CONNECT
        heard = Heard(started=self.now, duration_ms=1, status_code=status, error=error)
        outcome = attempted(firing, heard, version=version, now=self.now, draw=0.5)
        owner.reports.append(outcome)
        held = owner.shard.timers.get(outcome.timer_id)
        if outcome.retry_at:
            owner.shard.await_attempt(next_attempt(outcome, firing))
        elif outcome.reason is FailReason.GONE and held is not None and held.timer.version == version:
            owner.shard.pause(held)
            self.gone(outcome.timer_id, version, owner)

    def gone(self, name: str, version: int, owner: Owner) -> None:
        """The recorder pauses the event, unless somebody has changed it."""
        event = self.book.events.get(name)
        if event is not None and event.version == version:
            self.record(owner, len(owner.reports))
            self.book.pause(name, self.now)
            self.publish()

    def finish_what_is_under_way(self, owner: Owner) -> None:
        while owner.connecting or owner.under_way:
            self.connect(owner)
            while owner.under_way:
                self.conclude(owner, 0, 200)
        self.record(owner, len(owner.reports))

    def record(self, owner: Owner, some: int) -> None:
        recorded, owner.reports = owner.reports[:some], owner.reports[some:]
        for outcome in recorded:
            self.book.record(outcome)

    def publish(self) -> None:
        self.wires += range(max([*self.wires, self.published]) + 1, self.book.version + 1)
        self.published = self.book.version

    def some_event(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.book.events)))

    # ------------------------------------------------------------------ in the end

    def teardown(self) -> None:
        """All faults are over: what is missing is found by comparison, and everything comes to its end."""
        for zombie in self.frozen:
            zombie.shard.leave(Stage.LOST)
            self.record(zombie, len(zombie.reports))
        if self.faults:  # what is reported by one who had lost the shard is known to its owner with the next snapshot
            self.list(self.owner)
        for _ in range(400):
            self.settle()
            assert self.unfinished(self.now) == set(), "what was asked for is attempted, and not only ended at the end"
            if not self.book.events or all(event.status is Status.FINISHED for event in self.book.events.values()):
                break
            self.now += 5_000
        self.settle()
        for name in self.book.events:
            assert self.book.events[name].status is Status.FINISHED, "it ends, whatever happened to it"
            assert self.book.unaccounted(name, self.now) == []
            assert gaps(self.book, name, self.now) == [], "the audit finds what the book finds"
        assert self.unfinished() == set(), "nothing is left half done"

    def arrive_all(self) -> None:
        while self.wires:
            version = self.wires.pop(0)
            self.owner.shard.change(version, self.book.change_of(version))

    def settle(self) -> None:
        self.owner.leased_until = self.now + LEASE
        self.arrive_all()
        if self.owner.shard.differs(self.book.digest()) or self.owner.shard.has_gap:
            self.list(self.owner)
        self.run(self.owner)
        self.finish_what_is_under_way(self.owner)

    def unfinished(self, due_by: float = inf) -> set[Name]:
        """What the ledger knows as unfinished, and is to be attempted by this moment."""
        alive, rows = {Execution.PENDING, Execution.RETRYING}, self.book.rows.items()
        return {key for key, row in rows if row.status in alive and key[0] in self.book.events and row.due <= due_by}


TestWorld = World.TestCase
TestWorld.settings = settings(max_examples=200, stateful_step_count=40, deadline=None, derandomize=True)
