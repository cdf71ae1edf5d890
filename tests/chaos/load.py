"""Events of all kinds, moved about as the dice say; each wish is repeated until an API answers it, and written down."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import aiohttp

from tests.acceptance.client import EVERY_SECOND, iso, moment, new_event, now
from tests.chaos.journal import GIVEN_UP_MS, Journal, Move, Story, Turn
from tests.chaos.judging import Entry, Verdict, account
from tests.chaos.stage import Stage
from tests.servers.processes import eventually

ANSWERS_WITHIN: Final = aiohttp.ClientTimeout(total=GIVEN_UP_MS / 1_000)
PRECONDITION_FAILED: Final = 412
WISHED: Final = 20
ANSWERED_WITHIN: Final = 120.0
AGAIN_AFTER: Final = 0.3
AT_ONCE: Final = 8
MOVE_EVERY: Final = (0.1, 0.5)
PAUSED_FOR: Final = (2.0, 10.0)
STAYS_PAUSED: Final = 0.15
ENDS_SOON_MS: Final = (4_000, 30_000)
TOO_LATE_MS: Final = 2_000  # what ends sooner is left to it
ENDS_TRIED: Final = 20
PAGE: Final = 1_000
LAST_MS: Final = 4_000
SETTLED_WITHIN: Final = 120.0
INTERVALS: Final = (EVERY_SECOND, "*/2 * * * * *", "*/3 * * * * *", "*/5 * * * * *", "1-59/4 * * * * *")
PATHS: Final = (
    *("/ok",) * 5,
    *("/slow/300", "/slow/1500", "/flaky/once", "/flaky/once"),
    *("/status/500", "/status/404", "/status/410", "/hang/on"),
)


@dataclass(slots=True, kw_only=True)
class Load:
    """The client of the run: one application, any API."""

    stage: Stage
    session: aiohttp.ClientSession
    journal: Journal
    random: Random
    key: str = ""
    numbers: Iterator[int] = field(default_factory=itertools.count)

    async def begin(self, count: int) -> None:
        """Register, and create the first events: each kind of receiver has one."""
        name = f"chaos {self.random.getrandbits(64):x}"
        _, body = await self._ask("POST", "/v1/register", {"appName": name})
        self.key = body["data"]["apiKey"]
        for number in range(count):
            await self.create(PATHS[number % len(PATHS)])

    async def create(self, path: str) -> None:
        """One more event, with a way of its own; a third of them end soon."""
        random = self.random
        end = now() + (random.randrange(5_000, 60_000) if random.random() < 0.3 else 3_600_000)
        wish = new_event(f"{self._host(path)}{path}", endDate=iso(end), **_delivery(random))
        begun = now()
        status, body = await self._ask("POST", "/v1/events", wish, name=f"{next(self.numbers)}")
        assert status == 201, body
        turn = Turn(move=Move.CREATE, begun=begun, ended=now(), interval=wish["interval"], end=end)
        self.journal.stories.append(Story(event=body["data"]["eventId"], path=path, wish=wish, turns=[turn]))

    def _host(self, path: str) -> str:
        """Who never answers is another host: the breaker leaves a host alone, whoever else is rung there."""
        url = self.stage.receiver.url
        return url.replace("127.0.0.1", "localhost") if path.startswith("/hang") else url

    async def go_on(self, over: int) -> None:
        """Move after move until it is over; some events stay paused."""
        async with asyncio.TaskGroup() as tasks:
            while now() < over:
                await asyncio.sleep(self.random.uniform(*MOVE_EVERY))
                self._one(tasks)

    async def end(self) -> None:
        """Let every event that still runs end in a few seconds."""
        end = now() + LAST_MS
        places = asyncio.Semaphore(AT_ONCE)

        async def one(story: Story) -> None:
            async with places:
                await self._end(story, LAST_MS)

        async with asyncio.TaskGroup() as tasks:
            for story in self.journal.stories:
                if not story.is_deleted and story.end > end:
                    tasks.create_task(one(story))

    async def ledgers(self) -> dict[str, list[Entry]]:
        """What the API says became of every event's instants."""
        return {story.event: await self._ledger(story.event) for story in self.journal.stories if not story.is_deleted}

    async def settled(self) -> None:
        """Return when every event has finished and every instant is accounted for, or when that takes too long."""
        async with asyncio.TaskGroup() as tasks:
            places = asyncio.Semaphore(AT_ONCE)
            for story in self.journal.stories:
                if not story.is_deleted:
                    tasks.create_task(self._settled(story, places))

    async def _settled(self, story: Story, places: asyncio.Semaphore) -> None:
        async def is_settled() -> bool:
            async with places:
                _, body = await self._ask("GET", f"/v1/events/{story.event}")
                if body["data"]["status"] != "FINISHED":
                    return False
                account(verdict := Verdict(), story, await self._ledger(story.event))
                return not verdict.accusations

        await asyncio.sleep(max(story.end - now(), 0) / 1000)
        with suppress(AssertionError):  # the judge says of what is not settled
            await eventually(is_settled, within=SETTLED_WITHIN, what=lambda: f"{story.event} is settled")

    def _one(self, tasks: asyncio.TaskGroup) -> None:
        random, dice = self.random, self.random.random()
        free = [one for one in self.journal.stories if self._is_free(one)]
        if dice < 0.15 or not free:
            tasks.create_task(self.create(random.choice(PATHS)))
            return
        story = random.choice(free)
        if dice < 0.45:
            tasks.create_task(self._pause(story, random.uniform(*PAUSED_FOR), resumes=random.random() > STAYS_PAUSED))
        elif dice < 0.55:
            tasks.create_task(self._move(story, Move.RESUME, "POST", "/resume"))
        elif dice < 0.65:
            tasks.create_task(self._move(story, Move.TRIGGER, "POST", "/trigger"))
        elif dice < 0.82:
            interval = random.choice(INTERVALS)
            tasks.create_task(self._move(story, Move.CHANGE, "PATCH", "", {"interval": interval}, interval=interval))
        elif dice < 0.92:
            tasks.create_task(self._end(story, random.randrange(*ENDS_SOON_MS)))
        else:
            tasks.create_task(self._move(story, Move.DELETE, "DELETE", ""))

    def _is_free(self, story: Story) -> bool:
        return not (story.is_deleted or story.is_moved) and story.end > now() + TOO_LATE_MS

    async def _pause(self, story: Story, seconds: float, *, resumes: bool) -> None:
        await self._move(story, Move.PAUSE, "POST", "/pause")
        if resumes:
            await asyncio.sleep(seconds)
            if self._is_free(story):
                await self._move(story, Move.RESUME, "POST", "/resume")

    async def _end(self, story: Story, after_ms: int) -> None:
        """Move its end, once more where the API was so long away that it would lie in the past."""
        begun = now()
        story.is_moved = True
        for _ in range(ENDS_TRIED):
            end = now() + after_ms
            status, said = await self._wish(story, "PATCH", "", {"endDate": iso(end)})
            if status == 200:
                story.turns.append(Turn(move=Move.END, begun=begun, ended=now(), end=end))
                story.is_moved = False
                return
            assert now() >= end, said
        raise AssertionError(f"{story.event}: no endDate was late enough")

    async def _move(
        self, story: Story, move: Move, method: str, path: str, body: Any = None, *, interval: str = ""
    ) -> None:
        begun = now()
        story.is_moved = True
        status, said = await self._wish(story, method, path, body)
        # What an API that died had done already is done: a deletion that is repeated finds nothing.
        assert status in {200, 202, 409} or (move is Move.DELETE and status == 404), (move, said)
        is_refused = status == 409
        # Whether an event is paused, its receiver may have decided.
        assert not is_refused or move is Move.TRIGGER or now() >= story.end, (move, said, "and it has not ended")
        by_hand = move is Move.TRIGGER
        name = said["data"]["executionId"] if by_hand and not is_refused else ""
        is_doubtful = is_refused and not by_hand
        turn = Turn(move=move, begun=begun, ended=now(), interval=interval, name=name, doubtful=is_doubtful)
        story.turns.append(turn)
        story.is_moved = False

    async def _wish(self, story: Story, method: str, path: str, body: Any) -> tuple[int, Any]:
        """The answer to a wish for the event as it is.

        A request that was given up may be under way in an API that is frozen. It says which version it means, so that
        it is refused when it thaws, and cannot undo what was asked since.
        """
        for _ in range(WISHED):
            status, seen = await self._ask("GET", f"/v1/events/{story.event}")
            assert status == 200, seen
            version = seen["data"]["version"]
            status, said = await self._ask(method, f"/v1/events/{story.event}{path}", body, version=f'"{version}"')
            if status != PRECONDITION_FAILED:
                return status, said
        raise AssertionError(f"{story.event}: somebody else was always faster")

    async def _ledger(self, event: str) -> list[Entry]:
        entries: list[Entry] = []
        path = following = f"/v1/events/{event}/executions?limit={PAGE}"
        while following:
            status, body = await self._ask("GET", following)
            assert status == 200, body
            entries += [_entry(one) for one in body["data"]]
            cursor = body["meta"]["next"]
            following = f"{path}&cursor={cursor}" if cursor else ""
        return entries

    async def _ask(
        self, method: str, path: str, body: Any = None, *, name: str = "", version: str = ""
    ) -> tuple[int, Any]:
        """The first answer that is no 5xx, of whichever API."""
        headers = {"X-API-Key": self.key} if self.key else {}
        headers |= {"Idempotency-Key": name} if name else {}
        headers |= {"If-Match": version} if version else {}
        async with asyncio.timeout(ANSWERED_WITHIN):
            for place in itertools.count(self.random.randrange(2)):
                url = self.stage.apis[place % len(self.stage.apis)].url
                try:
                    async with self.session.request(
                        method, f"{url}{path}", json=body, headers=headers, timeout=ANSWERS_WITHIN
                    ) as answer:
                        assert answer.status in range(200, 500) or answer.status == 503, await answer.text()
                        if answer.status < 500:
                            return answer.status, await answer.json()
                except (aiohttp.ClientError, TimeoutError):
                    pass  # it was killed, or waits for Postgres: the other one, and again
                await asyncio.sleep(AGAIN_AFTER)
        raise AssertionError("unreachable")


def _delivery(random: Random) -> dict[str, Any]:
    """Everything that an event may have its own way."""
    return {
        "interval": random.choice(INTERVALS),
        "timeoutSeconds": random.choice((2, 3)),
        "retryPolicy": {"maxAttempts": random.randint(1, 4), "initialIntervalSeconds": random.choice((1, 2))},
        "misfirePolicy": random.choice(("latest", "skip", "all")),
        "misfireGraceSeconds": random.choice((1, 5, 3600)),
        "overlapPolicy": random.choice(("allow", "allow", "skip")),
        "spreadSeconds": random.choice((0, 0, 2)),
    }


def _entry(said: dict[str, Any]) -> Entry:
    return Entry(
        nominal=moment(said["nominalDate"]),
        last=moment(said["lastDate"] or said["nominalDate"]),
        name=said["executionId"],
        status=said["status"],
        reason=said["reason"] or "",
        count=said["count"],
    )
