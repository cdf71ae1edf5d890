"""One run: load, faults, everything heals, events end, and what came of them is judged."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final, TypeAlias

import aiohttp

from tests.acceptance.client import now
from tests.chaos.journal import Journal
from tests.chaos.judging import Verdict, judge
from tests.chaos.load import Load
from tests.chaos.stage import Stage

Strike: TypeAlias = Callable[[Journal], Awaitable[None]]

VIOLATIONS_SHOWN: Final = 40


async def run(stage: Stage, strike: Strike, *, seed: int, seconds: float, events: int) -> tuple[Journal, Verdict]:
    """The journal and the verdict on it; load goes on for so long, or until the strikes are over."""
    journal = Journal()
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as watching:
        watch = watching.create_task(stage.watch(journal))
        load = Load(stage=stage, session=session, journal=journal, random=Random(seed))
        await load.begin(events)
        over = now() + round(seconds * 1000)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.go_on(over))
            await strike(journal)
        await stage.whole()
        await load.end()
        await load.settled()
        watch.cancel()
        ledgers, told = await load.ledgers(), await stage.receiver.told()
    journal.stall = told.stall
    return journal, judge(journal, ledgers, told.arrivals)


def table(journal: Journal, verdict: Verdict) -> str:
    """The one table, and what was violated."""
    lines = {
        "faults": _counted(Counter(str(fault.cause) for fault in journal.faults)),
        "events": str(len(journal.stories)),
        "moves": _counted(Counter(str(turn.move) for story in journal.stories for turn in story.turns)),
        "instants expected": str(verdict.expected),
        "delivered": str(verdict.statuses["DELIVERED"]),
        "failed": _counted(verdict.failed),
        "skipped": _counted(verdict.skipped),
        "missing": str(verdict.missing),
        "still running": str(verdict.running),
        "arrived twice": _counted(verdict.duplicates),
        "latest ring": f"{verdict.latest} ms",
        "latest word": f"{verdict.unheard} ms",
        "receiver stalled": f"{journal.stall} ms",
        "violations": str(len(verdict.violations)),
    }
    shown = [f"{name:<18} {value}" for name, value in lines.items()]
    return "\n".join([*shown, *(f"  {one}" for one in verdict.violations[:VIOLATIONS_SHOWN])])


def _counted(counts: Counter[str]) -> str:
    said = ", ".join(f"{count} {what or 'unexplained'}" for what, count in counts.most_common())
    return f"{counts.total()}  ({said})" if said else "0"
