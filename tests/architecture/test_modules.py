"""Every module states its law and stays short; packages are a docstring; pure rooms never wait."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, files, name

LINES = 300
LINES_OF_TESTS = 400
PURE = ("shared/timing", "shared/domain", "shared/messages", "dispatcher_service/core")

MODULES = files("*.py")
PRODUCT = files("*.py", rooms=("api_service", "dispatcher_service", "shared", "deploy"))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_states_its_law(path: Path) -> None:
    law = ast.get_docstring(ast.parse(path.read_text()))

    assert law, "it has no docstring"
    assert law.splitlines()[0].endswith((".", "?", "!", ":")), "its first line is no sentence"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_is_short(path: Path) -> None:
    allowed = LINES_OF_TESTS if path.is_relative_to(ROOT / "tests") else LINES

    assert len(path.read_text().splitlines()) <= allowed, "it has outgrown one room: make it a folder"


@pytest.mark.parametrize("path", [path for path in PRODUCT if path.name == "__init__.py"], ids=name)
def test_a_package_is_its_docstring(path: Path) -> None:
    assert len(ast.parse(path.read_text()).body) == 1


@pytest.mark.parametrize("path", files("*.py", rooms=PURE), ids=name)
def test_a_pure_room_never_waits(path: Path) -> None:
    waits = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)

    assert not [node.lineno for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, waits)]


@pytest.mark.parametrize("room", PURE)
def test_the_pure_rooms_are_where_they_are_thought_to_be(room: str) -> None:
    assert len(files("*.py", rooms=(room,))) > 1


def test_no_module_has_a_name_that_says_nothing() -> None:
    nothing = {"utils", "util", "common", "helpers", "helper", "manager", "base", "misc"}

    assert not [name(path) for path in MODULES if path.stem in nothing or path.parent.name in nothing]
