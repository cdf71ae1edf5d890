"""Whatever is sent, the answer is never a 5xx, and every refusal has its shape."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.api.stage import NEW_EVENT, Answer, Api

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["\0", "\ud800", "2030-01-01T00:00:00Z", "* * * * *", "UTC", "x" * 3000, 10**4000, 1e308, -0.0])
)
_VALUES = st.recursive(
    _SCALARS,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=8,
)
_FIELDS = st.sampled_from([*NEW_EVENT, "timezone", "startDate", "eventId", "status", "count", "from", "appName"])
_BODIES = _VALUES | st.dictionaries(_FIELDS | st.text(), _VALUES).map(lambda some: NEW_EVENT | some)
_QUERIES = st.lists(
    st.tuples(
        st.sampled_from(["limit", "offset", "query", "query[tags]", "query[tags][]", "query[context][0][path][]"])
        | st.sampled_from(["query[context][0][value]", "query[context][0][type]", "query[context][0][isArray]"])
        | st.sampled_from(["query[context][][type]", "query[status]", "query[eventOwner][3]", "query[__proto__]"])
        | st.text(st.characters(codec="ascii", categories=["L", "N", "P"])),
        st.sampled_from(["1", "0", "-1", "Number", "String", "true", "%00", "%ff", "ACTIVE", "{}", "[]", "%7B%7D", ""]),
    ),
    max_size=8,
).map(lambda pairs: "&".join(f"{name}={value}" for name, value in pairs).replace("#", "%23"))

# One server for all examples: each leaves events behind, and none looks at another's.
_OFTEN = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def assert_in_order(answer: Answer) -> None:
    """A success, or a refusal that blames the client in the one shape."""
    assert answer.status < 500, answer.text
    if answer.status >= 400:
        assert list(answer.json) == ["statusCode", "message", "error", "timestamp"]
        assert all(answer.message)


async def _send(api: Api, method: str, path: str, body: Any) -> None:
    data = json.dumps(body) if not isinstance(body, bytes) else body
    assert_in_order(await api.ask(method, path, data=data, headers={"Content-Type": "application/json"}))


@_OFTEN
@given(body=_BODIES)
async def test_any_body(api: Api, body: Any) -> None:
    for path in ("/v1/events", "/v1/preview", "/v1/register"):
        await _send(api, "POST", path, body)


@_OFTEN
@given(body=_BODIES)
async def test_any_change(api: Api, body: Any) -> None:
    event = await api.create()
    await _send(api, "PATCH", f"/v1/events/{event['eventId']}", body)


@_OFTEN
@given(body=st.binary(max_size=300))
async def test_any_bytes(api: Api, body: bytes) -> None:
    await _send(api, "POST", "/v1/events", body)


@_OFTEN
@given(raw=_QUERIES)
async def test_any_query_string(api: Api, raw: str) -> None:
    assert_in_order(await api.get(f"/v1/events?{raw}"))
