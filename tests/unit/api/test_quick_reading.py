"""What is quick says the same as what is thorough: of bodies, of URLs by their origins, of dates in a usual form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from marshmallow import ValidationError
from yarl import URL

from api_service.schemas.events import CHANGE, CREATION
from api_service.schemas.moments import read_datetime, read_moment
from api_service.schemas.reading import Strict
from api_service.schemas.urls import _FAULTS, fault_of_target, fault_of_url
from shared.domain.egress import STRICT
from shared.timing.instants import from_datetime

# Of each field what is right and what is wrong, and of each kind of wrong one.
VALUES: dict[str, list[Any]] = {
    "eventOwner": ["user@example.com", "oncall:01JD8M2Z9T5R0C4V7K3N6P1QXA", "oncall:x", "user", "", 7, None],
    "endDate": ["2030-09-02T05:11:59.708Z", "2030-W36-1T05:11+02", "2030-02-30T00:00:00Z", "2030-09-02", 1, None],
    "interval": ["0 30 9 * * 1-5", "H H * * *", "61 * * * *", "* " * 600, "", 5, None],
    "callbackUrl": ["https://api.yourapi.com/a?b#c", "ftp://example.com", "https://u:p@example.com", "", {}, None],
    "context": [{}, {"user": 12345, "of": [{"a": [1, None]}]}, {"a": list(range(1001))}, [], "{}", None],
    "tags": [[], ["prod", "eu"], ["a", "a"], ["prod", ""], [1, None], ["x"] * 33, "prod", None],
    "timezone": ["UTC", "europe/berlin", "Berlin", "x" * 65, None, 1],
    "startDate": [None, "2030-09-01T00:00:00Z", "yesterday", True],
    "retryPolicy": [{}, {"maxAttempts": 3}, {"maxAttempts": 0}, {"nope": 1}, {"initialIntervalSeconds": 500}, [], None],
    "timeoutSeconds": [1, 120, 0, 121, True, 1.0, "10", None],
    "misfirePolicy": ["latest", "all", "none", "", 1, None],
    "misfireGraceSeconds": [1, 0, None],
    "overlapPolicy": ["skip", "allow", "Skip", None],
    "spreadSeconds": [0, 3600, -1, 3601, None],
    "headers": [{}, {"Authorization": "Bearer x"}, {"Host": "a"}, {"A": 1}, [], None],
    "eventId": ["01JD8M2Z9T5R0C4V7K3N6P1QXA"],
    "event_owner": ["user@example.com"],
    "_schema": [1],
    "": [1],
}
BODIES = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in VALUES.items()})
RIGHT = {name: VALUES[name][0] for name in ("eventOwner", "endDate", "interval", "callbackUrl")}


@pytest.mark.parametrize("schema", [CREATION, CHANGE], ids=["creation", "change"])
@given(sent=BODIES | BODIES.map(lambda body: body | RIGHT) | st.none() | st.lists(st.integers(), max_size=2))
@example(sent=RIGHT)
@example(
    sent={name: values[0] for name, values in VALUES.items() if name not in {"eventId", "event_owner", "_schema", ""}}
)
def test_a_body_is_read_quickly_only_as_marshmallow_reads_it(schema: Strict, sent: Any) -> None:
    try:
        thoroughly: Any = schema.load(sent)
    except ValidationError:
        thoroughly = None

    assert schema.quickly(sent) == thoroughly


def test_the_quick_way_is_the_usual_one() -> None:
    assert CREATION.quickly(RIGHT | {"tags": ["prod"], "context": {}}) is not None


PIECES = st.sampled_from([
    *("http", "https", "ftp", ":", "/", "//", "?", "#", "@", "[", "]", "\\", ".", "..", "%", "%2e", "-", " "),
    *("::1", "::ffff:127.0.0.1", "127.0.0.1", "127.1", "2130706433", "0x7f", "localhost", "example.com", "bücher"),
    *("ℂ", "user", "80", "65536", "0", "a" * 64),
])
URLS = st.lists(PIECES, max_size=8).map("".join)


@given(url=URLS | URLS.map(lambda rest: f"http://{rest}"))
@example(url="http:/hook//x")
@example(url="http:hook//x")
@example(url="//example.com//x")
@example(url="http://example.com?//x@127.0.0.1")
@example(url="http://example.com#//x@127.0.0.1")
def test_a_url_is_judged_by_its_origin_as_by_the_whole(url: str) -> None:
    fault = fault_of_url(url)
    if any(character.isspace() for character in url) or not url.isprintable():
        assert fault is not None
        return
    try:
        whole = URL(url)
        expected = next((said for is_wrong, said in _FAULTS if is_wrong(whole)), None)
    except ValueError:
        assert "should be an absolute URL" in (fault or "")
        return

    assert fault == expected
    if fault is None:
        leads_away = STRICT.fault_of_host(whole.raw_host or "")
        assert (fault_of_target(url, STRICT) is None) is (leads_away is None)


@given(st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{3})?Z", fullmatch=True))
@example("2030-09-02T24:00:00Z")
@example("2016-12-31T23:59:60Z")
@example("9999-12-31T24:00:00.000Z")
def test_a_date_in_its_usual_form_is_read_as_any_other(text: str) -> None:
    try:
        unusual = read_datetime(text.replace(".", ",").replace("Z", "z"))
    except ValueError:
        unusual = None
    if unusual is None or unusual.year < 1970:
        with pytest.raises(ValueError, match=r"is not a date that exists|should lie in the years"):
            read_moment(text)
    else:
        assert read_moment(text) == from_datetime(unusual)
