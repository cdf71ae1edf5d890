"""On-call events as clients write them, and ways to look at what came of them."""

from __future__ import annotations

from typing import Any

from tests.integration.api.oncall.stage import V4

# Every Tuesday is somebody's; the specification's example lies in it.
NIGHTS: dict[str, Any] = {
    "start_datetime": "2022-11-01T00:00:00.000-07:00",
    "end_datetime": "2022-11-02T00:00:00.000-07:00",
    "layer": 1,
    "time_zone": "Arizona",
}
DAILY: dict[str, Any] = NIGHTS | {"repeat": True, "frequency": 1, "frequency_unit": "daily"}
WEEK = "start=2022-11-01T00:00:00-07:00&end=2022-11-08T00:00:00-07:00"


class Team:
    """A schedule, people who may be on call in it, and events on it."""

    def __init__(self, v4: V4, schedule: dict[str, Any], people: dict[str, str]) -> None:
        self.v4 = v4
        self.schedule_id: str = schedule["id"]
        self.people = people
        self.names = {user: name for name, user in people.items()}

    @classmethod
    async def of(cls, v4: V4, *names: str) -> Team:
        people = {name: (await v4.person(name=name, email=f"{name}@example.com"))["id"] for name in names}
        return cls(v4, await v4.schedule(), people)

    def users(self, *names: str) -> list[str]:
        return [self.people[name] for name in names]

    async def event(self, *names: str, **different: Any) -> dict[str, Any]:
        """An event of these people on the schedule."""
        body = DAILY | {"account_user_ids": self.users(*names), "schedule_ids": [self.schedule_id]} | different
        return await self.v4.made("/events", body)

    async def shown(self, event_id: str) -> dict[str, Any]:
        """The event as it is now."""
        answer = await self.v4.ask("GET", f"/events/{event_id}")
        assert answer.status == 200, answer.text
        shown: dict[str, Any] = answer.json
        return shown

    async def window(self, query: str = WEEK) -> list[tuple[str, str, str]]:
        """Who is on call in a window, as start, end and names."""
        answer = await self.v4.ask("GET", f"/schedules/{self.schedule_id}/window_events?{query}")
        assert answer.status == 200, answer.text
        return [
            (one["start_time"], one["end_time"], "+".join(self.names[who["attendee_id"]] for who in one["attendees"]))
            for one in answer.json
        ]

    async def override(self, event_id: str, name: str, start: str, end: str, action: str) -> dict[str, Any]:
        """An override by one person, in Arizona."""
        body = {
            "start_time": start,
            "end_time": end,
            "layer": 1,
            "time_zone": "Arizona",
            "account_user_ids": self.users(name),
            "action_time": action,
        }
        return await self.v4.made(f"/events/{event_id}/override", body)


def at(day: int, hour: int = 0) -> str:
    """A time of November 2022 in Arizona."""
    return f"2022-11-{day:02}T{hour:02}:00:00.000-07:00"
