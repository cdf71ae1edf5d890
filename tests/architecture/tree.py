"""The product's files, as the tests of its shape see them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
ROOMS: Final = ("api_service", "dispatcher_service", "shared", "deploy", "tests")
PAPERS: Final = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", ".env.example", "Makefile")


def files(*patterns: str, rooms: tuple[str, ...] = ROOMS) -> list[Path]:
    """The files of these rooms whose names match one of the patterns, in order."""
    found = {path for room in rooms for pattern in patterns for path in (ROOT / room).rglob(pattern)}
    return sorted(path for path in found if "node_modules" not in path.parts)


def papers() -> list[Path]:
    """What people read before the code."""
    return [ROOT / name for name in PAPERS] + sorted((ROOT / "docs").rglob("*.md"))


def name(path: Path) -> str:
    """The path as a test's name shows it."""
    return str(path.relative_to(ROOT))
