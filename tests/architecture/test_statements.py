"""SQL lives in `.sql` files, each beside the one module that uses every statement in it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.tree import files, name

STATEMENT = re.compile(r"^-- ([a-z_]+) --\n(.*)\n", re.MULTILINE)
WHOLE = {"schema.sql"}  # read as a whole, as migrations are
NAMED = [
    path
    for path in files("*.sql", rooms=("api_service",))
    if path.name not in WHOLE and path.parent.name != "migrations"
]
# `select` and `update` alone may begin a sentence; with what follows them they are SQL.
SQL = re.compile(r"\b(select\s.+\sfrom|insert\s+into|delete\s+from|update\s.+\sset)\b", re.IGNORECASE | re.DOTALL)


@pytest.mark.parametrize("path", NAMED, ids=name)
def test_every_statement_is_used_and_every_use_exists(path: Path) -> None:
    written = {found[1] for found in STATEMENT.finditer(path.read_text())}
    module = path.with_suffix(".py")

    # A name may also be handed on to a function that looks it up.
    assert not written - _texts(ast.parse(module.read_text())), "nobody asks for these"
    assert not _asked(module) - written, "these are asked for and not there"


@pytest.mark.parametrize("path", NAMED, ids=name)
def test_every_statement_says_what_it_does(path: Path) -> None:
    silent = [found[1] for found in STATEMENT.finditer(path.read_text()) if not found[2].startswith("-- ")]

    assert not silent


@pytest.mark.parametrize(
    "path", files("*.py", rooms=("api_service", "dispatcher_service", "shared", "deploy")), ids=name
)
def test_no_sql_is_hidden_in_python(path: Path) -> None:
    tree = ast.parse(path.read_text())
    documentation = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in documentation
    ]

    assert not [text for text in texts if SQL.search(text)]


def test_there_are_statements() -> None:
    assert NAMED


def _asked(module: Path) -> set[str]:
    """The names by which a module asks for its statements: `SQL["name"]`, or `SQL["this" if so else "that"]`."""
    return {
        text
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "SQL"
        for text in _texts(node.slice)
    }


def _texts(tree: ast.AST) -> set[str]:
    constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {text for text in constants if isinstance(text, str)}
