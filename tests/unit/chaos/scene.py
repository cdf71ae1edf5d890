"""An event that rings every second for ten, rung and recorded as it should be; a test says what was different."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from tests.chaos.journal import Cause, Fault, Journal, Move, Story, Turn
from tests.chaos.judging import Entry, Verdict, judge
from tests.servers.receiver import Arrival

T: Final = 1_900_000_000_000
END: Final = T + 10_000
CREATED: Final = Turn(move=Move.CREATE, begun=T + 100, ended=T + 200, interval="* * * * * *", end=END)
RINGS: Final = [T + second * 1_000 for second in range(1, 10)]
WISH: Final = {"retryPolicy": {"maxAttempts": 2}}


def arrival(nominal: int, **different: Any) -> Arrival:
    """As it should be, but for what is different."""
    facts: dict[str, Any] = {
        "arrived": nominal + 10,
        "path": "/ok",
        "name": f"e-{nominal}",
        "event_id": "e",
        "nominal": nominal,
        "attempt": 1,
        "epoch": 1,
        "user_agent": "",
        "body": "",
    }
    return Arrival(**facts | different)


def entry(nominal: int, status: str = "DELIVERED", **different: Any) -> Entry:
    """A line of the ledger."""
    return replace(Entry(nominal=nominal, last=nominal, status=status, name=f"e-{nominal}"), **different)


def turn(move: Move, second: float, **said: Any) -> Turn:
    """A move that took 20 ms."""
    moment = T + round(second * 1_000)
    return Turn(move=move, begun=moment, ended=moment + 20, **said)


def fault(cause: Cause, begun: int, healed: int) -> Fault:
    """Something was broken between these moments, counted from T."""
    return Fault(cause=cause, whom="it", begun=T + begun, healed=T + healed)


def verdict(
    *turns: Turn,
    entries: list[Entry] | None = None,
    arrivals: list[Arrival] | None = None,
    faults: tuple[Fault, ...] = (),
    whole: tuple[int, ...] = (),
    path: str = "/ok",
    stall: int = 0,
) -> Verdict:
    """What the judge says; `whole` is when all was seen to be well, counted from T."""
    story = Story(event="e", path=path, wish=WISH, turns=[CREATED, *turns])
    journal = Journal(stories=[story], faults=list(faults), wholes=[T + one for one in whole], stall=stall)
    ledger = [entry(nominal) for nominal in RINGS] if entries is None else entries
    return judge(journal, {"e": ledger}, [arrival(nominal) for nominal in RINGS] if arrivals is None else arrivals)


def found(word: str, judged: Verdict) -> list[str]:
    """The violations that say this."""
    return [one for one in judged.violations if word in one]
