"""What the compose file says, with its variables filled in, as docker compose would read it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Final

import yaml

from tests.architecture.tree import ROOT

COMPOSE: Final = ROOT / "deploy" / "compose.yaml"
VARIABLE: Final = re.compile(r"\$\{(\w+):-([^}]*)\}")


@dataclass(frozen=True, slots=True)
class Part:
    """One service of it, of which several may run."""

    name: str
    said: Mapping[str, Any]

    @property
    def replicas(self) -> int:
        """How many run."""
        return int(self.said.get("deploy", {}).get("replicas", 1))

    @property
    def is_ours(self) -> bool:
        """Is it of our image?"""
        return str(self.said["image"]) == "carillon"

    @property
    def command(self) -> list[str]:
        """What runs in it."""
        return list(self.said["command"])

    @property
    def environment(self) -> dict[str, str]:
        """What it is told."""
        return {name: str(value) for name, value in self.said.get("environment", {}).items()}

    @property
    def networks(self) -> set[str]:
        """Where it can be seen, and sees others."""
        return set(self.said["networks"])

    @property
    def waits_for(self) -> dict[str, str]:
        """Whom it waits for, and until what is true of them."""
        return {name: one["condition"] for name, one in self.said.get("depends_on", {}).items()}

    @property
    def health(self) -> list[str]:
        """The command that fails while it is not well."""
        words: list[str]
        kind, *words = self.said["healthcheck"]["test"]
        assert kind == "CMD", "no shell is asked"
        return words


@dataclass(frozen=True, slots=True)
class Composition:
    """The whole file."""

    parts: Mapping[str, Part]
    networks: Mapping[str, Any]
    volumes: Mapping[str, Any]

    def in_order(self) -> list[Part]:
        """Each after those that it waits for."""
        order = TopologicalSorter({name: part.waits_for for name, part in self.parts.items()})
        return [self.parts[name] for name in order.static_order()]

    def neighbours(self, name: str) -> set[str]:
        """Whom this one can see."""
        seen = self.parts[name].networks
        return {other for other, part in self.parts.items() if other != name and part.networks & seen}


def composition(variables: Mapping[str, str] | None = None, path: Path = COMPOSE) -> Composition:
    """The file, where deploy/.env says this; nothing needs to be said."""
    said = _filled(yaml.safe_load(path.read_text()), variables or {})
    parts = {name: Part(name, one) for name, one in said["services"].items()}
    return Composition(parts, said["networks"], said["volumes"])


def _filled(said: Any, variables: Mapping[str, str]) -> Any:
    match said:
        case dict():
            return {name: _filled(value, variables) for name, value in said.items()}
        case list():
            return [_filled(value, variables) for value in said]
        case str():
            filled = VARIABLE.sub(lambda found: variables.get(found[1]) or found[2], said)
            assert "$" not in filled, f"{said} must be set, or is written in a way that this reader does not know"
            return filled
        case _:
            return said
