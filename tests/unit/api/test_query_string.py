"""Query strings with brackets: axios's form, written-out indexes, percent-encoding, and what cannot be meant."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_service.schemas.query_string import parse
from shared.domain.errors import InvalidInput

AXIOS = (
    "query[eventOwner][]=user@example.com&query[tags][]=prod&query[context][0][path][]=user&query[context][0][value]=12345"
    "&query[context][0][type]=Number&query[context][0][isArray]=false&limit=10&offset=0"
)
MEANT = {
    "query": {
        "eventOwner": ["user@example.com"],
        "tags": ["prod"],
        "context": [{"path": ["user"], "value": "12345", "type": "Number", "isArray": "false"}],
    },
    "limit": "10",
    "offset": "0",
}


@pytest.mark.parametrize(
    "raw",
    [
        AXIOS,
        AXIOS.replace("[]", "[0]"),
        AXIOS.replace("[", "%5B").replace("]", "%5D"),
        quote(AXIOS, safe="=&"),
        "&".join(reversed(AXIOS.split("&"))),
        f"&{AXIOS}&",
    ],
    ids=["axios", "written-out", "encoded brackets", "encoded", "backwards", "loose ampersands"],
)
def test_the_specifications_example_is_understood_however_it_is_written(raw: str) -> None:
    assert parse(raw) == MEANT


@pytest.mark.parametrize(
    ("raw", "meant"),
    [
        ("", {}),
        ("a", {"a": ""}),
        ("a=", {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
        ("a=1+1", {"a": "1 1"}),
        ("a=1%2B1", {"a": "1+1"}),
        ("a=%F0%9F%94%94", {"a": "🔔"}),
        ("a=1&a=2", {"a": ["1", "2"]}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a[1]=2&a[0]=1", {"a": ["1", "2"]}),
        ("a[10]=b&a[9]=a", {"a": ["a", "b"]}),
        ("a[999]=last", {"a": ["last"]}),
        ("a[0]=1&a[]=2", {"a": ["1", "2"]}),
        ("a[][x]=1&a[][x]=2", {"a": [{"x": "1"}, {"x": "2"}]}),
        ("a[__proto__][x]=1", {"a": {"__proto__": {"x": "1"}}}),
        ("__proto__[x]=1&constructor=2", {"__proto__": {"x": "1"}, "constructor": "2"}),
    ],
)
def test_what_is_written_is_what_is_meant(raw: str, meant: Any) -> None:
    assert parse(raw) == meant


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("query[tags][999999999]=a", "query[tags][999999999] has an index above 999"),
        ("a[" + "9" * 4000 + "]=a", "has an index above 999"),
        ("a[1000]=x", "a[1000] has an index above 999"),
        ("a=1&a[]=2", "a is given in two shapes"),
        ("a[]=2&a=1", "a is given in two shapes"),
        ("a[x]=1&a=2", "a is given in two shapes"),
        ("a[x]=1&a[]=2", "a is given in two shapes"),
        ("a[]=2&a[x]=1", "a is given in two shapes"),
        ("a[0]=1&a[x]=2", "a is given in two shapes"),
        ("a[x]=1&a[0]=2", "a is given in two shapes"),
        ("a[b][c]=1&a[b]=2", "a[b] is given in two shapes"),
        ("a[=1", "'a[' is not a parameter's name"),
        ("a]=1", "'a]' is not a parameter's name"),
        ("a[b]c=1", "'a[b]c' is not a parameter's name"),
        ("[a]=1", "'[a]' is not a parameter's name"),
        ("=1", "'' is not a parameter's name"),
        ("a[b][c][d][e][f][g]=1", "has more than 6 levels"),
        ("a=%00", "has a NUL"),
        ("a%00=1", "has a NUL"),
        ("a=%FF", "should be percent-encoded UTF-8"),
        ("a=%ED%A0%80", "should be percent-encoded UTF-8"),  # half of a surrogate pair
        ("a=1&" * 501, "the query string has more than 500 parameters"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(raw: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(raw)

    assert len(refused.value.problems) == 1
    assert said in refused.value.problems[0]


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse("a[1000]=x&b=%00&c[=1&d=fine")

    assert len(refused.value.problems) == 3


@given(st.text())
def test_any_text_is_parsed_or_refused(raw: str) -> None:
    with suppress(InvalidInput):  # and nothing else
        parse(raw)


_TREES = st.recursive(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=5),
    lambda children: (
        st.lists(children, min_size=1, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "__proto__", "path"]), children, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


def _written(name: str, value: Any) -> list[str]:
    match value:
        case dict():
            return [pair for key, child in value.items() for pair in _written(f"{name}[{key}]", child)]
        case list():
            return [pair for index, child in enumerate(value) for pair in _written(f"{name}[{index}]", child)]
        case _:
            return [f"{quote(name)}={quote(value)}"]


def _depth(value: Any) -> int:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, children), default=0)


@given(_TREES.filter(lambda tree: _depth(tree) <= 6))
def test_any_tree_comes_back_as_it_was_written(tree: Any) -> None:
    assert parse("&".join(_written("root", tree))) == {"root": tree}
