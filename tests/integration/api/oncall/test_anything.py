"""Whatever is sent to /api/v4, the answer is never a 5xx, and every refusal has its shape."""

from __future__ import annotations

import json
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.api.oncall.calendar import DAILY
from tests.integration.api.oncall.stage import ADA, V4, problems
from tests.integration.api.stage import Answer

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([
        "\0", "\ud800", "2030-01-01T00:00:00Z", "2030-03-10 02:30", "2999-12-31", "1970-01-01", "UTC", "Samoa",
        "x" * 3000, 10**4000, 1e308, -0.0, "01JD8M2Z9T5R0C4V7K3N6P1QXC", "usr_4kTz0QmV8yXw2B", "hourly", "yearly",
        2**31, 2**63,
    ])
)  # fmt: skip
_VALUES = st.recursive(
    _SCALARS,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=8,
)
_FIELDS = st.sampled_from([
    *ADA, *DAILY, "start_time", "end_time", "action_time", "days_of_week", "repeat_end_datetime", "terminated_on",
    "rotation", "parent_id", "schedule_ids", "account_user_ids", "exceptions", "meta",
])  # fmt: skip
_BODIES = _VALUES | st.dictionaries(_FIELDS, _VALUES) | st.dictionaries(_FIELDS, _VALUES).map(lambda some: DAILY | some)
_NAMES = st.sampled_from([
    "limit", "offset", "page", "sort", "direction", "ops", "id", "prefix_id", "tiny_id", "name", "layer", "repeat",
    "days_of_week", "schedule_ids", "parent_id", "created_at", "start_time", "start", "end", "at", "format", "dry_run",
    "restore", "layer[]", "ops[]", "name[a]", "limit[", "frequency_unit",
])  # fmt: skip
_TEXTS = st.sampled_from([
    "", "1", "0", "-1", "true", "%00", "%ff", "a..b", "1..2", "..", "2030-01-01..2031-01-01", "2030-01-01",
    "2031-01-01T00:00+02:00",
    "layer:gt", "id:contains,tiny_id:between", "schedule_ids:ne", "created_at:lt", "name:beginsWith",
    "name:lt", ":", "asc", "tiny_id", "schedule_ids", "csv", "json", "999999999999999", "9999999999999999", "null",
    "%25_", "2999-12-31T23:59:59",
])  # fmt: skip
_QUERIES = st.lists(st.tuples(_NAMES, _TEXTS), max_size=6).map(lambda pairs: "&".join(map("=".join, pairs)))
_FORMS = (
    _QUERIES
    | st.text(st.characters(codec="ascii"), max_size=60)
    | st.binary(max_size=60).map(lambda b: b.decode("latin-1"))
)
_LISTS: Final = ("/events", "/schedules", "/account_users")

_OFTEN = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def assert_in_order(answer: Answer) -> None:
    """A success, or a refusal that blames the client in the one shape."""
    assert answer.status < 500, answer.text
    if answer.status >= 400:
        assert all(problems(answer))


async def _event(v4: V4) -> dict[str, Any]:
    ada, core = await v4.person(), await v4.schedule()
    return await v4.made("/events", DAILY | {"account_user_ids": [ada["id"]], "schedule_ids": [core["id"]]})


async def _send(v4: V4, method: str, path: str, body: Any) -> None:
    kind = {"Content-Type": "application/json"}
    assert_in_order(await v4.api.ask(method, f"/api/v4{path}", data=json.dumps(body), headers=kind))


@_OFTEN
@given(body=_BODIES)
async def test_any_body(v4: V4, body: Any) -> None:
    event = await _event(v4)
    whole = (
        body | {"account_user_ids": [event["event_attendees"][0]["attendee_id"]]} if isinstance(body, dict) else body
    )
    for path in _LISTS:
        await _send(v4, "POST", path, body)
        await _send(v4, "POST", path, whole)
    for path in ("", "/override", "/add_exception", "/terminate_on"):
        await _send(v4, "POST" if path else "PUT", f"/events/{event['id']}{path}", whole)
    await _send(v4, "PUT", f"/schedules/{event['schedule_ids'][0]}", body)
    window = "start=2022-11-01&end=2023-11-01"
    for path in ("window_events", "current_oncall", "coverage"):
        assert_in_order(await v4.ask("GET", f"/schedules/{event['schedule_ids'][0]}/{path}?{window}"))


@_OFTEN
@given(text=_FORMS)
async def test_any_form(v4: V4, text: str) -> None:
    for path in _LISTS:
        assert_in_order(await v4.form("POST", path, text))


@_OFTEN
@given(raw=_QUERIES)
async def test_any_query_string(v4: V4, raw: str) -> None:
    event = await _event(v4)
    on = f"/schedules/{event['schedule_ids'][0]}"
    below = [f"{on}/{path}" for path in ("events", "window_events", "current_oncall", "coverage")]
    for path in (*_LISTS, *below, f"/events/{event['id']}/occurrences"):
        assert_in_order(await v4.ask("GET", f"{path}?{raw}"))
    for path in (f"{on}/flush", f"/events/{event['id']}", on):
        assert_in_order(await v4.ask("DELETE", f"{path}?{raw}"))


@_OFTEN
@given(
    values=st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30), min_size=1, max_size=2)
)
async def test_any_tag(v4: V4, values: list[str]) -> None:
    made = await v4.schedule()
    said = ",".join(values)
    assert_in_order(await v4.ask("GET", f"/schedules/{made['id']}", headers={"If-None-Match": said}))
    assert_in_order(await v4.ask("PUT", f"/schedules/{made['id']}", {"name": "x"}, headers={"If-Match": said}))
    assert_in_order(await v4.ask("POST", "/schedules", {"name": "x"}, headers={"Idempotency-Key": said}))
