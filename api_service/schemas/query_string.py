"""Query strings with brackets, as axios writes them: `query[context][0][path][]=user` becomes objects and arrays.

Nothing is allocated by an index that a client names: indexes order what is there, they do not place it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from api_service import limits
from api_service.schemas.json_text import unstorable
from shared.domain.errors import InvalidInput

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_SEGMENT = re.compile(r"\[([^\[\]]*)\]")
_APPEND = ""


def parse(raw: str, *, what: str = "the query string") -> dict[str, Any]:
    """The query string as nested objects, arrays and strings; raises InvalidInput, with `what` for where they are.

    A name that is repeated without brackets becomes an array.
    """
    pairs = [pair for pair in raw.split("&") if pair]
    if len(pairs) > limits.QUERY_PAIRS:
        raise InvalidInput([f"{what} has more than {limits.QUERY_PAIRS} parameters"])

    root = _Node()
    problems: list[str] = []
    for pair in pairs:
        key, _, value = pair.partition("=")
        try:
            _put(root, _segments(_decoded(key, what)), _decoded(value, what))
        except _Refused as refused:
            problems.append(str(refused))
    if problems:
        raise InvalidInput(list(dict.fromkeys(problems)))
    return {name: _built(child) for name, child in root.children.items()}


class _Refused(Exception):
    """One parameter cannot be understood."""


@dataclass(slots=True)
class _Node:
    """A name in the making: texts given to it, or names and indexes below it."""

    texts: list[str] = field(default_factory=list)
    children: dict[str, _Node] = field(default_factory=dict)
    appended: list[_Node] = field(default_factory=list)


def _decoded(text: str, what: str) -> str:
    try:
        decoded = unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeError:
        raise _Refused(f"{what} should be percent-encoded UTF-8") from None
    if unstorable(decoded):
        raise _Refused(f"{what} has a NUL (%00); leave it out")
    return decoded


def _segments(key: str) -> list[str]:
    match = _KEY.fullmatch(key)
    if match is None:
        raise _Refused(f"{key[:64]!r} is not a parameter's name; write name, name[key], name[] or name[0]")
    segments = [match[1], *_SEGMENT.findall(match[2])]
    if len(segments) > limits.QUERY_DEPTH:
        raise _Refused(f"{key[:64]} has more than {limits.QUERY_DEPTH} levels")
    for segment in segments[1:]:
        if _is_index(segment) and (len(segment) > 9 or int(segment) > limits.QUERY_INDEX):
            raise _Refused(f"{key[:64]} has an index above {limits.QUERY_INDEX}")
    return segments


def _is_index(segment: str) -> bool:
    return segment.isascii() and segment.isdigit()


def _put(root: _Node, segments: list[str], text: str) -> None:
    node, name = root, ""
    for segment in segments:
        name = f"{name}[{segment}]" if name else segment
        if node.texts:
            raise _Refused(_two_shapes(name.rpartition("[")[0]))
        node = _below(node, segment, name)
    if node.children or node.appended:
        raise _Refused(_two_shapes(name))
    node.texts.append(text)


def _below(node: _Node, segment: str, name: str) -> _Node:
    if segment == _APPEND:
        if any(not _is_index(other) for other in node.children):
            raise _Refused(_two_shapes(name.rpartition("[")[0]))
        node.appended.append(_Node())
        return node.appended[-1]
    is_new = segment not in node.children
    nested = name != segment
    if is_new and nested and _mixes(node, segment):
        raise _Refused(_two_shapes(name.rpartition("[")[0]))
    return node.children.setdefault(segment, _Node())


def _mixes(node: _Node, segment: str) -> bool:
    """Would this key make the node an array and an object at once?"""
    first = next(iter(node.children), None)
    is_array = bool(node.appended) or (first is not None and _is_index(first))
    is_object = first is not None and not _is_index(first)
    return is_object if _is_index(segment) else is_array


def _two_shapes(name: str) -> str:
    return f"{name} is given in two shapes; write it as one value, one array or one object"


def _built(node: _Node) -> Any:
    if node.texts:
        return node.texts[0] if len(node.texts) == 1 else node.texts
    if node.appended or any(map(_is_index, node.children)):
        indexed = [node.children[index] for index in sorted(node.children, key=int)]
        return [_built(child) for child in (*indexed, *node.appended)]
    return {name: _built(child) for name, child in node.children.items()}
