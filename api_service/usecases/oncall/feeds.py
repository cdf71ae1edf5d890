"""What do calendar programs get to read? A feed of shifts, or the rules; and a feed remembers what it has shown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from api_service import limits
from api_service.calendars.feed import Feed, feed_text, feed_window
from api_service.calendars.nouns import Entry
from api_service.calendars.rules import rule_form
from api_service.calendars.shown import Shown, event_of, shown_now
from api_service.store.oncall import account_users, events, feeds, schedules
from api_service.store.oncall.feeds import FeedOf
from api_service.usecases.means import Means
from shared.domain.errors import Unavailable
from shared.domain.oncall import OnCallEvent
from shared.domain.oncall_kept import KeptEvent, oncall_of
from shared.timing.instants import Instant


async def feed_of_schedule(means: Means, name: str) -> Feed:
    """All shifts of the schedule. Raises ScheduleNotFound."""
    window = feed_window(means.now)
    async with means.database.moment() as c:
        schedule = await schedules.get(c, means.application_id, name)
        kept = await events.of_schedules(c, means.application_id, [schedule.schedule_id], *window)
        of = FeedOf(schedule_id=schedule.schedule_id)
        before = await feeds.shown(c, of)
        after = shown_now(before, map(oncall_of, kept), means.now)
        gone = _gone(after)
        people = await feeds.people(c, means.application_id, _attending(kept, (event for event, _ in gone)))
    await _remember(means, of, before, after)
    return Feed(name=schedule.name, window=window, entries=_entries(kept), people=people, gone=gone)


async def feed_of_account_user(means: Means, name: str) -> Feed:
    """The account user's own shifts, on whichever schedules. Raises AccountUserNotFound."""
    window = feed_window(means.now)
    async with means.database.moment() as c:
        user = await account_users.get(c, means.application_id, name)
        kept = await events.of_account_user(c, means.application_id, user.account_user_id, *window)
        of = FeedOf(account_user_id=user.account_user_id)
        before = await feeds.shown(c, of)
        after = shown_now(before, map(oncall_of, kept), means.now)
        people = await feeds.people(c, means.application_id, [user.account_user_id])
        names = await feeds.schedules(c, means.application_id, {one for each in kept for one in each.schedule_ids})
    await _remember(means, of, before, after)
    return Feed(
        name=f"{user.name} on call",
        window=window,
        entries=_entries(kept),
        people=people,
        gone=_gone(after),
        person=user.account_user_id,
        places={each.event_id: ", ".join(sorted(names[one] for one in each.schedule_ids)) for each in kept},
    )


async def rules_of_schedule(means: Means, name: str, turn: asyncio.Lock) -> bytes:
    """The schedule in rule form, from its beginning. Raises ScheduleNotFound, Unavailable."""
    async with means.database.moment() as c:
        schedule = await schedules.get(c, means.application_id, name)
        kept = await events.of_schedules(c, means.application_id, [schedule.schedule_id])
        people = await feeds.people(c, means.application_id, _attending(kept, ()))
    async with _Turn(turn):
        return await asyncio.to_thread(rule_form, schedule.name, _entries(kept), people, now=means.now)


async def text_of(feed: Feed, turn: asyncio.Lock) -> bytes:
    """The feed as calendar programs read it. Raises Unavailable."""
    async with _Turn(turn):
        return await asyncio.to_thread(feed_text, feed)


class _Turn:
    """Calendars are written one at a time, in a thread, and all else goes on."""

    def __init__(self, turn: asyncio.Lock) -> None:
        self._turn = turn

    async def __aenter__(self) -> None:
        try:
            async with asyncio.timeout(limits.CALENDAR_SECONDS):
                await self._turn.acquire()
        except TimeoutError:
            raise Unavailable("More calendars are asked for than can be written; try again shortly.") from None

    async def __aexit__(self, *_: object) -> None:
        self._turn.release()


async def _remember(means: Means, of: FeedOf, before: frozenset[Shown], after: frozenset[Shown]) -> None:
    """Write what the feed has shown by now, before it is shown: otherwise somebody might never hear that it is gone."""
    if after != before:
        async with means.database.transaction() as c:
            await feeds.show(c, of, before, after)


def _gone(shown: Iterable[Shown]) -> tuple[tuple[OnCallEvent, Instant], ...]:
    gone = sorted((each.gone, each.form) for each in shown if each.gone is not None)
    return tuple((event_of(form), noticed) for noticed, form in gone)


def _entries(kept: Iterable[KeptEvent]) -> tuple[Entry, ...]:
    return tuple(Entry(oncall_of(each), each.updated_at) for each in kept)


def _attending(kept: Iterable[KeptEvent], gone: Iterable[OnCallEvent]) -> set[str]:
    there = {attendee.account_user_id for each in kept for attendee in each.attendees}
    return there | {attendee for event in gone for attendee in event.attendees}
