"""docs/operations.md beside what it is about: every setting is in it, and what it names is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.setting import Setting
from shared.settings import API_SETTINGS, DISPATCHER_SETTINGS
from tests.acceptance.operator import blocks
from tests.architecture.tree import ROOT, files, name, papers

PAPER = ROOT / "docs" / "operations.md"
TEXT = PAPER.read_text()
SETTINGS = {setting.name: setting for setting in (*API_SETTINGS, *DISPATCHER_SETTINGS)}
ROW = re.compile(r"^\| `([A-Z_]+)` \| (.+?) \| (.+?) \| (.+?) \| (.*?) ?\|$", re.MULTILINE)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
ANCHORED = re.compile(r"\]\(([^)\s#]*)#([^)\s]+)\)")
COMPOSE = "docker compose -f deploy/compose.yaml "


def who_reads(setting: Setting) -> str:
    readers = {"API": API_SETTINGS, "dispatcher": DISPATCHER_SETTINGS}
    reading = [service for service, table in readers.items() if setting in table]
    return reading[0] if len(reading) == 1 else "both"


def default_of(setting: Setting) -> str:
    if setting.default is None:
        return "must be set"
    return f"`{setting.default}`" if setting.default else "empty"


def anchors(paper: Path) -> set[str]:
    """Where links into it may lead, as the forges make it of headings."""
    headings = HEADING.findall(FENCED.sub("", paper.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(place: str) -> list[str]:
    lines = chain.from_iterable(block.splitlines() for block in blocks("sh", place))
    return [line for line in lines if line]


def manifests() -> Iterator[dict[str, Any]]:
    for path in (ROOT / "deploy" / "kubernetes").rglob("*.yaml"):
        yield from filter(None, yaml.safe_load_all(path.read_text()))


def test_every_setting_is_in_the_table_as_it_is() -> None:
    rows = {row[0]: row[1:4] for row in ROW.findall(TEXT)}

    assert rows == {
        setting.name: (who_reads(setting), default_of(setting), setting.what) for setting in SETTINGS.values()
    }


def test_the_table_has_the_order_of_the_example() -> None:
    assert [row[0] for row in ROW.findall(TEXT)] == list(SETTINGS)


@pytest.mark.parametrize("paper", papers(), ids=name)
def test_every_anchor_leads_somewhere(paper: Path) -> None:
    links = [
        (paper.parent / target if target else paper, anchor) for target, anchor in ANCHORED.findall(paper.read_text())
    ]

    assert [anchor for target, anchor in links if target.suffix == ".md" and anchor not in anchors(target)] == []


def test_every_line_of_the_log_and_every_figure_that_it_names_is_there() -> None:
    code = "".join(path.read_text() for path in files("*.py") if path.relative_to(ROOT).parts[0] != "tests")
    lines = {
        name
        for name in re.findall(r"`((?!carillon)[a-z]+\.[a-z_]+)`", TEXT)
        if not (ROOT / "deploy").joinpath(name).exists()
    }
    figures = {re.sub("_(?:total|info)$", "", name) for name in re.findall(r"carillon_[a-z_]{4,}[a-z]", TEXT)}

    assert {"http.answered", "ring.failed"} < lines
    assert "carillon_ring_lateness_seconds" in figures
    assert [name for name in sorted(lines | figures) if f'"{name}"' not in code] == []


def test_what_is_typed_for_compose_is_in_its_file() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]

    assert commands("compose")
    for command in commands("compose"):
        assert command.startswith(COMPOSE), command
        words = command.removeprefix(COMPOSE).split()
        verb, named = words[0], {word.partition("=")[0] for word in words[1:] if not word.startswith("-")}
        assert verb in {"up", "ps", "logs", "build", "run", "exec", "stop", "down"}, command
        scaled = {words[at + 1].partition("=")[0] for at, word in enumerate(words) if word == "--scale"}
        assert scaled <= set(services), command
        if verb in {"run", "exec", "stop", "logs"}:
            assert named & set(services), command


def test_what_is_typed_for_kubernetes_is_in_the_manifests() -> None:
    known = {f"{one['kind'].lower()}/{one['metadata']['name']}" for one in manifests() if "metadata" in one}
    spaces = {one["metadata"]["name"] for one in manifests() if one.get("kind") == "Namespace"}

    assert commands("kubectl")
    for command in commands("kubectl"):
        words = command.split()
        assert words[0] == "kubectl", command
        for flag, value in pairwise(words):
            if flag == "-k":
                assert (ROOT / value / "kustomization.yaml").exists(), command
            if flag == "-n":
                assert value in spaces, command
        for word in words:
            if re.match(r"(?:deployment|job|service)/", word):
                assert word in known, command


def test_the_unit_starts_what_is_there() -> None:
    [unit] = blocks("ini")
    [module] = re.findall(r"^ExecStart=/opt/carillon/bin/python -m (\w+)$", unit, re.MULTILINE)

    assert (ROOT / module / "__main__.py").exists()
