"""README, Makefile, .env.example and the rest of the paper tell the truth, and are about the product alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.setting import Setting
from shared.settings import API_SETTINGS, DISPATCHER_SETTINGS, ApiSettings, DispatcherSettings
from tests.architecture.tree import ROOT, files, name, papers

SETTINGS = {setting.name: setting for setting in (*API_SETTINGS, *DISPATCHER_SETTINGS)}
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(?:sh|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)

# Put together here, so that this file does not find itself.
WORKSHOP = ("../" + "shared/", "DESIGN" + ".md", "TO" + "DO", "FIX" + "ME", "XX" + "X")
TICKET = re.compile(r"\bissues? #?\d|\(#\d+\)", re.IGNORECASE)


def example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_the_example_lists_exactly_the_settings() -> None:
    assert list(example()) == list(SETTINGS)


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: str(setting.name))
def test_the_example_shows_the_default_and_what_it_is_for(setting: Setting) -> None:
    if setting.default is not None:
        assert example()[setting.name] == setting.default
    assert f"# {setting.what}." in (ROOT / ".env.example").read_text()


def test_both_services_share_what_they_share() -> None:
    twice = [(a, b) for a in API_SETTINGS for b in DISPATCHER_SETTINGS if a.name == b.name]

    assert twice
    assert all(a == b for a, b in twice)


def test_the_example_can_be_used_as_it_is() -> None:
    assert ApiSettings.of(example()).api_port == int(example()["API_PORT"])
    assert DispatcherSettings.of(example()).probe_port == int(example()["PROBE_PORT"])


def test_every_make_target_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text()
    declared = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)

    assert declared
    assert re.findall(r"^([a-z-]+):.* ## .+$", makefile, re.MULTILINE) == declared[1].split()


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 170


def test_the_readme_begins_with_two_commands() -> None:
    first_two = BLOCK.findall((ROOT / "README.md").read_text())[:2]

    assert [block.strip().split("  #")[0] for block in first_two] == ["make run", "make test"]


@pytest.mark.parametrize("path", papers(), ids=name)
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    targets = [target.split("#")[0] for target in LINK.findall(path.read_text()) if "://" not in target]

    assert not [target for target in targets if target and not (path.parent / target).exists()]


@pytest.mark.parametrize(
    "path",
    [*papers(), *files("*.py", "*.sql", "*.html", "*.js", "*.css", "*.sh", "*.yaml", "*.yml"), ROOT / "pyproject.toml"],
    ids=name,
)
def test_the_workshop_is_not_mentioned(path: Path) -> None:
    text = path.read_text()

    assert not [word for word in WORKSHOP if word in text]
    assert not TICKET.findall(text)


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    decisions = {path.name for path in folder.glob("[0-9]*.md")} - {"0000-template.md"}

    assert decisions
    assert set(LINK.findall((folder / "README.md").read_text())) - {"0000-template.md"} == decisions
