"""What a list may be asked for: the specification's filters in every form, and each refusal by name."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from api_service.schemas.listing import ContextFilter, EventsWanted, read_events_wanted, refuse_parameters
from shared.domain.errors import InvalidInput
from shared.domain.event import Status

QUERY: dict[str, Any] = {
    "eventOwner": ["user@example.com"],
    "tags": ["prod"],
    "context": [{"path": ["user"], "value": "12345", "type": "Number", "isArray": False}],
}
WANTED = EventsWanted(
    limit=10,
    offset=0,
    owners=("user@example.com",),
    tags=("prod",),
    contexts=(ContextFilter(path=("user",), type="Number", value="12345", is_array=False),),
    statuses=frozenset(),
)
AXIOS = (
    "query[eventOwner][]=user@example.com&query[tags][]=prod&query[context][0][path][]=user&query[context][0][value]=12345"
    "&query[context][0][type]=Number&query[context][0][isArray]=false&limit=10&offset=0"
)


def _in_json(query: Any) -> str:
    return "query=" + quote(json.dumps(query))


def _problems(raw: str) -> list[str]:
    with pytest.raises(InvalidInput) as refused:
        read_events_wanted(raw)
    return list(refused.value.problems)


@pytest.mark.parametrize("raw", [AXIOS, _in_json(QUERY) + "&limit=10&offset=0"], ids=["axios", "json"])
def test_the_specifications_example_is_understood(raw: str) -> None:
    assert read_events_wanted(raw) == WANTED


def test_nothing_asks_for_the_first_page_of_everything() -> None:
    assert read_events_wanted("") == EventsWanted(
        limit=100, offset=0, owners=(), tags=(), contexts=(), statuses=frozenset()
    )


@pytest.mark.parametrize("raw", ["status=ACTIVE&status=PAUSED", "status[]=ACTIVE&status[]=PAUSED&query[tags]=prod"])
def test_a_status_may_stand_beside_the_query(raw: str) -> None:
    assert read_events_wanted(raw).statuses == {Status.ACTIVE, Status.PAUSED}


def test_a_status_is_not_given_twice() -> None:
    (problem,) = _problems("status=ACTIVE&query[status]=PAUSED")

    assert problem == "status is given beside query and inside of it; leave one of them out"


def test_all_that_is_wrong_with_a_filter_is_told_at_once() -> None:
    number: dict[str, Any] = {"path": [], "value": "ten", "type": "Number", "isArray": None}
    text = {"path": [], "value": 1, "type": "Text"}

    assert {said.split(" should ")[0] for said in _problems(_in_json({"context": [number, text]}))} == {
        "query.context[0].path", "query.context[0].value", "query.context[0].isArray",
        "query.context[1].path", "query.context[1].value", "query.context[1].type",
    }  # fmt: skip


def test_one_value_may_stand_for_an_array_of_one() -> None:
    wanted = read_events_wanted("query[tags]=prod&query[eventOwner]=a&query[status]=ACTIVE")

    assert (wanted.tags, wanted.owners, wanted.statuses) == (("prod",), ("a",), frozenset({Status.ACTIVE}))


def test_what_is_repeated_counts_once() -> None:
    wanted = read_events_wanted("query[tags][]=a&query[tags][]=b&query[tags][]=a&query[status][]=PAUSED")

    assert (wanted.tags, wanted.statuses) == (("a", "b"), frozenset({Status.PAUSED}))


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("limit=0", "limit should be a whole number from 1 to 1000"),
        ("limit=1001", "limit should be a whole number from 1 to 1000"),
        ("limit=-1", "limit should be"),
        ("limit=1e3", "limit should be"),
        ("limit=", "limit should be"),
        ("limit=ten", "limit should be"),
        ("limit=1.0", "limit should be"),
        ("limit=%D9%A1", "limit should be"),
        ("limit=" + "9" * 5000, "limit should be"),
        ("limit=1&limit=2", "limit should be"),
        ("limit[]=1", "limit should be"),
        ("limit[a]=1", "limit should be"),
        ("offset=-1", "offset should be a whole number from 0 to 1000000000"),
        ("offset=9223372036854775808", "offset should be"),
        ("page=2", "page is not known here; known are limit, offset, query, status"),
        ("query=", "query is empty; send a JSON object"),
        ("query=prod", "query should be valid JSON"),
        ("query=[]", "query should be a JSON object"),
        ("query=1", "query should be a JSON object"),
        ("query=null", "query should not be null"),
        ("query[]=1", "query should be a JSON object"),
        ("query[owner]=a", "query.owner is not known here; known are eventOwner, tags, context, status"),
        ("query[__proto__][x]=a", "query.__proto__ is not known here"),
        ("query[tags][a]=b", "query.tags should be an array of strings"),
        ("query[tags][]=", "query.tags[0] should have 1 to 1024 characters"),
        ("query[status]=active", "query.status[0] should be one of INACTIVE, ACTIVE, PAUSED, FINISHED"),
        ("query[context]=a", "query.context should be an array of filters"),
        ("query[context][]=a", "query.context[0] should be a JSON object"),
        (_in_json({"tags": "x" * 1025}), "query.tags[0] should have 1 to 1024 characters"),
        (_in_json({"tags": [1]}), "query.tags[0] should be a string"),
        (_in_json({"tags": ["x"] * 33}), "query.tags should have at most 32 items"),
        (_in_json({"context": [{}] * 33}), "query.context should have at most 32 items"),
        (_in_json({"context": None}), "query.context should not be null"),
        (_in_json({"tags": None}), "query.tags should not be null"),
    ],
)
def test_a_refusal_names_what_is_wrong_and_what_would_be_right(raw: str, said: str) -> None:
    problems = _problems(raw)

    assert len(problems) == 1
    assert problems[0].startswith(said)


def _filter(**different: Any) -> str:
    return _in_json({"context": [QUERY["context"][0] | different]})


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (_filter(path=[]), "query.context[0].path should name at least one key"),
        (_filter(path="user"), "query.context[0].path should be an array of strings"),
        (_filter(path=[1]), "query.context[0].path[0] should be a string"),
        (_filter(value=None), "query.context[0].value should not be null"),
        (_filter(value=1), "query.context[0].value should be a string"),
        (_filter(value="abc"), "query.context[0].value should be a number"),
        (_filter(value=""), "query.context[0].value should be a number"),
        (_filter(value="NaN"), "query.context[0].value should be a number"),
        (_filter(value="0x10"), "query.context[0].value should be a number"),
        (_filter(value="1e999999999"), "query.context[0].value should be a number"),
        (_filter(value="9" * 101), "query.context[0].value should be a number"),
        (_filter(type="number"), "query.context[0].type should be one of Number, String"),
        (_filter(isArray="yes"), "query.context[0].isArray should be true or false"),
        (_filter(isArray=["true"]), "query.context[0].isArray should be true or false"),
        (_filter(isArray=1), "query.context[0].isArray should be true or false"),
        (_filter(op="="), "query.context[0].op is not known here; known are path, value, type, isArray"),
    ],
)
def test_a_context_filter_is_complete_and_of_the_right_kinds(raw: str, said: str) -> None:
    problems = _problems(raw)

    assert len(problems) == 1
    assert problems[0].startswith(said)


@pytest.mark.parametrize("value", ["1", "-1", "1.50", "1e3", "-0.0", "9" * 100, "1E-400"])
def test_a_number_may_be_written_in_any_of_jsons_ways(value: str) -> None:
    assert read_events_wanted(_filter(value=value)).contexts[0].value == value


def test_text_is_any_text() -> None:
    wanted = read_events_wanted(_filter(value="", type="String", path=["", "a b"], isArray=True))

    assert wanted.contexts == (ContextFilter(path=("", "a b"), type="String", value="", is_array=True),)


def test_every_problem_is_told_at_once() -> None:
    assert len(_problems("limit=0&offset=x&query[tags][]=&query[nope]=1&nope=1")) == 5
    assert len(_problems("limit=0&query=nope")) == 2


def test_what_takes_no_parameters_refuses_them_by_name() -> None:
    refuse_parameters("")
    with pytest.raises(InvalidInput, match="verbose is not known here; this takes no query parameters"):
        refuse_parameters("verbose=1")
