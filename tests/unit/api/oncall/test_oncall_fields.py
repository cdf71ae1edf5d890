"""Fields of /api/v4 mean the same in JSON and in a form, and say what is wrong with them in a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from api_service.schemas.oncall import fields as ours
from api_service.schemas.oncall.bodies import FORM, read_sent
from api_service.schemas.oncall.reading import Lenient, read_fields
from shared.domain.errors import InvalidInput, Unprocessable


class Everything(Lenient):
    """One field of each kind."""

    layer = ours.Whole(least=1, most=9, required=True)
    repeat = ours.Flag(load_default=False)
    days_of_week = ours.Several(ours.Whole(least=0, most=6), most=7)
    account_user_ids = ours.ids(most=3)
    meta = ours.Meta(load_default=dict)
    zone = ours.Zone(longest=64)


SCHEMA = Everything()
NO_LAYERS: tuple[Any, ...] = (0, 10, 1.5, "x", True, [], "9" * 20)
NO_FLAGS: tuple[Any, ...] = ("yes", 2, [], {}, 1.0, "")


def read(sent: dict[str, Any]) -> dict[str, Any]:
    return read_fields(SCHEMA, {"layer": 1} | sent)


@pytest.mark.parametrize(
    ("form", "json"),
    [
        ("layer=2", {"layer": 2}),
        ("layer=+2+", {"layer": 2}),
        ("repeat=true", {"repeat": True}),
        ("repeat=1", {"repeat": 1}),
        ("repeat=False", {"repeat": False}),
        ("repeat=0", {"repeat": 0}),
        ("days_of_week=1&days_of_week=2", {"days_of_week": [1, 2]}),
        ("days_of_week[]=1&days_of_week[]=2", {"days_of_week": [1, 2]}),
        ("days_of_week%5B%5D=3", {"days_of_week": [3.0]}),
        ("days_of_week[0]=1&days_of_week[1]=2", {"days_of_week": ["1", "2"]}),
        ("days_of_week=4", {"days_of_week": [4]}),
        ("days_of_week[]=", {"days_of_week": []}),
        ("account_user_ids=a", {"account_user_ids": ["a"]}),
        ("account_user_ids[]=b&account_user_ids[]=a", {"account_user_ids": ["b", "a"]}),
        ("meta[key]=v&meta[list][]=1", {"meta": {"key": "v", "list": ["1"]}}),
        ("meta=", {"meta": None}),
        ("zone=America%2FNew_York", {"zone": "america/new_york"}),
        ("zone=Pacific+Time+(US+%26+Canada)", {"zone": "pacific time (us & canada)"}),
        ("unknown=1&unknown2[a]=2", {"unknown": 3}),
    ],
)
def test_a_form_says_what_json_says(form: str, json: dict[str, Any]) -> None:
    sent = read_sent(form.encode(), FORM)

    assert read(sent) == read(json)
    assert list(read(sent)) == list(read(json))


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"layer": None}, "layer can't be blank"),
        ({"layer": ""}, "layer can't be blank"),
        *(({"layer": wrong}, "layer should be a whole number from 1 to 9") for wrong in NO_LAYERS),
        *(({"repeat": wrong}, "repeat should be true or false") for wrong in NO_FLAGS),
        ({"repeat": None}, "repeat can't be blank"),
        ({"days_of_week": [7]}, "days_of_week[0] should be a whole number from 0 to 6"),
        ({"days_of_week": [1, None]}, "days_of_week[1] can't be blank"),
        ({"days_of_week": {"a": 1}}, "days_of_week should be an array"),
        ({"days_of_week": [0, 1, 2, 3, 4, 5, 6, 6]}, "days_of_week should have at most 7 items"),
        ({"days_of_week": [1, 1]}, "days_of_week should have no item twice"),
        ({"account_user_ids": [1]}, "account_user_ids[0] should be a string"),
        ({"meta": "x"}, "meta should be a JSON object"),
        ({"meta": [1]}, "meta should be a JSON object"),
        ({"zone": "Pacifica"}, "zone is not one to choose from: 'Pacifica' is not a known time zone"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(sent: dict[str, Any], said: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        read(sent)

    (problem,) = refused.value.problems
    assert problem.startswith(said)


@pytest.mark.parametrize("body", [b"", b"  \n", b"[]", b"1", b"{", b"\xff"])
def test_what_is_no_body_is_no_422(body: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_sent(body, "application/json")

    assert not isinstance(refused.value, Unprocessable)
