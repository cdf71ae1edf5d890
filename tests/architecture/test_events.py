"""Events of the log have constant names, `noun.verbed`, so that whoever looks for one finds all of its kind."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import files, name

LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
PRODUCT = files("*.py", rooms=("api_service", "dispatcher_service", "shared"))
EVENT = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*")
VERBS = {
    "begun",
    "cut",
    "found",
    "forbidden",
    "forgotten",
    "given",
    "held",
    "left",
    "lost",
    "made",
    "misunderstood",
    "sent",
}
TROUBLE = Path("api_service/loops/trouble.py")  # says of what its name is that it is lost, or recovered
NAME_OF_TROUBLE = re.compile(r"[a-z_]+(\.[a-z]+)*(\.\{\})?")


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """What is called on what is called a log."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
            on = node.func.value
            if (isinstance(on, ast.Name) and on.id == "log") or (isinstance(on, ast.Attribute) and on.attr == "_log"):
                yield node.func.attr, node


def events(path: Path) -> Iterator[ast.expr]:
    """The first arguments of all that logs; also where the level is chosen first."""
    for _, call in calls(path):
        yield call.args[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tell":
            yield node.args[0]


def template(node: ast.expr) -> str:
    """A text as it stands, an f-string with {} for what is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    assert isinstance(node, ast.Constant), f"line {node.lineno}: the name of an event is a text"
    return str(node.value)


def is_verbed(event: str) -> bool:
    words = event.rpartition(".")[2].split("_")
    return any(word.endswith("ed") or word in VERBS for word in words)


@pytest.mark.parametrize("path", [path for path in PRODUCT if list(calls(path))], ids=name)
def test_every_event_has_a_constant_name_of_a_noun_and_what_became_of_it(path: Path) -> None:
    named = [template(event) for event in events(path)]

    if name(path) == str(TROUBLE):
        named = [event.replace("{}", "name") for event in named]
    assert not [event for event in named if not EVENT.fullmatch(event) or not is_verbed(event)]


def test_what_may_be_lost_has_a_bounded_name() -> None:
    troubles = [
        template(keyword.value)
        for path in PRODUCT
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Trouble"
        for keyword in node.keywords
        if keyword.arg == "name" and not isinstance(keyword.value, ast.Name)
    ]

    assert troubles
    assert not [one for one in troubles if not NAME_OF_TROUBLE.fullmatch(one)]


def test_nothing_is_logged_beside_our_own_loggers() -> None:
    imports = [
        name(path)
        for path in PRODUCT
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import) and any(alias.name in {"logging", "structlog"} for alias in node.names)
    ]
    prints = [name(path) for path in PRODUCT if re.search(r"\bprint\(|sys\.stderr\.write\((?!USAGE)", path.read_text())]

    assert imports == ["shared/observability/logs.py"] * 2
    assert not prints
