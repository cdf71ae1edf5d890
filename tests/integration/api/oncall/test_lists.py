"""Lists of /api/v4: parts and totals, any attribute by any operation that fits it, any order; and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.api.oncall.stage import V4, problems
from tests.integration.api.stage import HOUR, StandingClock

NAMES = ("Ada", "Grace", "Barbara", "Ada Two", "Zoe%")
ATTRIBUTES = "id, prefix_id, tiny_id, name, email, time_zone, created_at, updated_at"
KNOWN = f"limit, offset, page, sort, direction, ops, {ATTRIBUTES}"
ORDERED = "equals, ne, lt, lte, gt, gte"


@pytest.fixture
async def people(v4: V4, clock: StandingClock) -> list[dict[str, Any]]:
    """Five people, made an hour after each other from 17:46:40 on."""
    made = []
    for number, name in enumerate(NAMES):
        zone = "London" if number % 2 else "Tokyo"
        made.append(await v4.person(name=name, email=f"p{number}@example.com", time_zone=zone))
        clock.moment += HOUR
    other = await v4.other()
    await other.person()
    return made


async def names(v4: V4, query: str) -> list[str]:
    answer = await v4.ask("GET", f"/account_users?{query}")
    assert answer.status == 200, answer.text
    return [person["name"] for person in answer.json["data"]]


async def test_the_newest_come_first_ten_at_a_time(v4: V4) -> None:
    for number in range(12):
        await v4.schedule(name=f"{number}")

    first = (await v4.ask("GET", "/schedules")).json
    assert list(first) == ["data", "has_more", "total_count"]
    assert [one["tiny_id"] for one in first["data"]] == [12, 11, 10, 9, 8, 7, 6, 5, 4, 3]
    assert (first["has_more"], first["total_count"]) == (True, 12)
    assert first["data"][0] == (await v4.ask("GET", f"/schedules/{first['data'][0]['id']}")).json


@pytest.mark.parametrize(
    ("query", "found", "has_more"),
    [
        ("limit=2", [5, 4], True),
        ("limit=2&page=1", [5, 4], True),
        ("limit=2&page=2", [3, 2], True),
        ("limit=2&page=3", [1], False),
        ("limit=2&page=9", [], False),
        ("limit=2&offset=3", [2, 1], False),
        ("limit=100", [5, 4, 3, 2, 1], False),
        ("offset=5", [], False),
        ("limit=2&tiny_id=3&ops=tiny_id:lte", [3, 2], True),
    ],
)
async def test_parts_add_up(v4: V4, people: list[dict[str, Any]], query: str, found: list[int], has_more: bool) -> None:
    answer = (await v4.ask("GET", f"/account_users?{query}")).json

    assert [one["tiny_id"] for one in answer["data"]] == found
    assert answer["has_more"] is has_more
    assert answer["total_count"] == (3 if "ops" in query else len(people))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name=Ada", ["Ada"]),
        ("name=ada", []),
        ("name=Ada&name=Grace", ["Grace", "Ada"]),
        ("name[]=Ada&name[]=Grace", ["Grace", "Ada"]),
        ("name=Ada&time_zone=London", []),
        ("name=Ada&time_zone=Tokyo", ["Ada"]),
        ("name=ADA&ops=name:beginsWith", ["Ada Two", "Ada"]),
        ("name=a&ops=name:contains", ["Ada Two", "Barbara", "Grace", "Ada"]),
        ("name=%25&ops=name:contains", ["Zoe%"]),
        ("name=_&ops=name:contains", []),
        ("name='; drop table account_user; --&ops=name:contains", []),
        ("name=Ada&ops=name:ne", ["Zoe%", "Ada Two", "Barbara", "Grace"]),
        ("name=Ada&name=Grace&ops=name:ne", ["Zoe%", "Ada Two", "Barbara"]),
        ("name=Ada..Barbara&ops=name:between", ["Ada Two", "Barbara", "Ada"]),
        ("tiny_id=2", ["Grace"]),
        ("tiny_id=2&tiny_id=3", ["Barbara", "Grace"]),
        ("tiny_id=2&ops=tiny_id:lt", ["Ada"]),
        ("tiny_id=2&ops=tiny_id:lte", ["Grace", "Ada"]),
        ("tiny_id=4&ops=tiny_id:gt", ["Zoe%"]),
        ("tiny_id=4&ops=tiny_id:gte", ["Zoe%", "Ada Two"]),
        ("tiny_id=2..3&ops=tiny_id:between", ["Barbara", "Grace"]),
        ("tiny_id=999999999999999", []),
        ("tiny_id=", []),
        ("tiny_id=&ops=tiny_id:ne", ["Zoe%", "Ada Two", "Barbara", "Grace", "Ada"]),
        ("tiny_id=2&time_zone=London&ops=tiny_id:gte,time_zone:equals", ["Ada Two", "Grace"]),
        ("created_at=2030-03-17T18:46:40.000Z", ["Grace"]),
        ("created_at=2030-03-17T18:46:40&ops=created_at:lt", ["Ada"]),
        ("created_at=2030-03-17 18:47&ops=created_at:lt", ["Grace", "Ada"]),
        ("created_at=2030-03-17T20:46:40+02:00", ["Grace"]),
        ("created_at=2030-03-17T20:46:40%2B02:00", ["Grace"]),
        ("created_at=2030-03-18&ops=created_at:gte", []),
        ("created_at=2030-03-17T18:00Z..2030-03-17T20:00Z&ops=created_at:between", ["Barbara", "Grace"]),
        ("sort=name", ["Ada", "Ada Two", "Barbara", "Grace", "Zoe%"]),
        ("sort=name&direction=desc", ["Zoe%", "Grace", "Barbara", "Ada Two", "Ada"]),
        ("sort=time_zone&direction=asc", ["Grace", "Ada Two", "Ada", "Barbara", "Zoe%"]),
        ("direction=asc", ["Ada", "Grace", "Barbara", "Ada Two", "Zoe%"]),
    ],
)
async def test_any_attribute_by_any_operation(
    v4: V4, people: list[dict[str, Any]], query: str, found: list[str]
) -> None:
    assert people
    assert await names(v4, query.replace(" ", "%20")) == found


async def test_either_id_finds_its_owner(v4: V4, people: list[dict[str, Any]]) -> None:
    ada, grace, *_ = people

    assert await names(v4, f"id={ada['id']}") == ["Ada"]
    assert await names(v4, f"id={ada['prefix_id']}&id={grace['id']}") == ["Grace", "Ada"]
    assert await names(v4, f"id={ada['prefix_id']}&ops=id:ne&limit=100") == ["Zoe%", "Ada Two", "Barbara", "Grace"]
    assert await names(v4, f"prefix_id={grace['prefix_id']}") == ["Grace"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=0", ["limit should be a whole number from 1 to 100"]),
        ("limit=101", ["limit should be a whole number from 1 to 100"]),
        ("limit=x&limit=2", ["limit should be a whole number from 1 to 100"]),
        ("offset=-1", ["offset should be a whole number from 0 to 1000000000"]),
        ("page=0", ["page should be a whole number from 1 to 10000000"]),
        ("page=1&offset=1", ["page is given beside offset; leave one of them out"]),
        ("colour=red", [f"colour is not known here; known are {KNOWN}"]),
        ("meta.team=1", [f"meta.team is not known here; known are {KNOWN}"]),
        ("sort=colour", [f"sort should be one of {ATTRIBUTES}"]),
        ("direction=up", ["direction should be one of asc, desc"]),
        ("name=a&ops=name:like", [f"ops has 'like' for name; use one of {ORDERED}, beginsWith, contains, between"]),
        ("tiny_id=1&ops=tiny_id:contains", [f"ops has 'contains' for tiny_id; use one of {ORDERED}, between"]),
        ("ops=name:ne", ["ops names name, which is not filtered; add name=… or leave it out"]),
        ("ops=colour:ne", [f"ops names 'colour', which is not known here; known are {ATTRIBUTES}"]),
        ("ops[a]=name:ne", ["ops should be attribute:operation, separated by commas, e.g. layer:gt"]),
        ("tiny_id=x", ["tiny_id should be a whole number"]),
        ("tiny_id=1&ops=tiny_id:between", ["tiny_id should be two values with .. between them"]),
        ("tiny_id=1&tiny_id=2&ops=tiny_id:gt", ["tiny_id should have one value where it is compared by gt"]),
        ("name[a]=1", ["name should be a text, or several"]),
        ("created_at=yesterday", ["created_at should be an ISO 8601 time, e.g. 2030-09-02T08:00"]),
        ("created_at=2030-02-30", ["created_at is not a date that exists; write it e.g. as 2030-09-02T05:11:59.708Z"]),
        ("created_at=9999-12-31", ["created_at should lie in the years 1970 to 2999"]),
        ("limit=0&sort=x&colour=red", ["limit", "sort", "colour"]),
    ],
)  # fmt: skip
async def test_what_cannot_be_asked_is_refused_with_what_can(v4: V4, query: str, said: list[str]) -> None:
    answer = await v4.ask("GET", f"/account_users?{query}")

    assert answer.status == 400
    told = problems(answer)
    assert len(told) == len(said)
    assert all(problem.startswith(begin) for problem, begin in zip(told, said, strict=True)), told
