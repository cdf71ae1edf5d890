"""What the Dockerfile says: its stages and their instructions in order, and what the locks that it may name hold."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.architecture.tree import ROOT

DOCKERFILE: Final = ROOT / "deploy" / "docker" / "Dockerfile"
PACKAGES: Final = {"shared", "api_service", "dispatcher_service"}
PINNED: Final = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Instruction:
    """A word in capitals, and what follows it."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """What follows, as a shell would split it."""
        return shlex.split(self.text)


@dataclass(slots=True)
class Stage:
    """From one FROM to the next."""

    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, name: str) -> list[Instruction]:
        """Its instructions of this kind."""
        return [one for one in self.instructions if one.name == name]

    def the(self, name: str) -> Instruction:
        """Its only instruction of this kind."""
        [only] = self.all(name)
        return only


def stages(path: Path = DOCKERFILE) -> list[Stage]:
    """The stages in order; the last one is the image."""
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        name, _, text = line.partition(" ")
        if name == "FROM":
            base, _, called = text.partition(" AS ")
            found.append(Stage(base, called))
        else:
            found[-1].instructions.append(Instruction(name, text))
    return found


def lock(name: str) -> dict[str, str]:
    """The packages of a lock, and their versions."""
    return dict(PINNED.findall((ROOT / "requirements" / name).read_text()))
