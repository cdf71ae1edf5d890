"""What the Dockerfile makes, made in a folder: its instructions are carried out, but for those on the base image.

A container's confinement is as near as a process comes to it: nothing can be written, there are no capabilities, and of
the surroundings only the image's environment is known.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.architecture.tree import ROOT
from tests.deploy.dockerfile import Instruction, Stage, stages

RUNS_WITHIN: Final = 100
CONFINED: Final = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--")
# uv keeps what it has fetched, and otherwise does as pip does.
PIP: Final = re.compile(r"python -m pip --python (\S+) install --no-cache-dir")
OURS: Final = re.compile(r"(?<=\s)/(?=(?:build|opt|srv)/)")


@dataclass(slots=True)
class Image:
    """A stage as far as it has been made."""

    root: Path
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/local/bin:/usr/bin:/bin"})
    workdir: str = "/"

    def place(self, path: str) -> Path:
        """Where a path of the image is here."""
        return self.root / os.path.join(self.workdir, path).lstrip("/")  # noqa: PTH118 - an absolute one begins anew

    def command(self, words: Sequence[str]) -> list[str]:
        """What starts this command as a container would; everything it says goes to stderr."""
        confined = CONFINED if os.geteuid() == 0 else ()
        return ["/bin/sh", "-c", 'cd "$0" && exec "$@" >&2', str(self.place(".")), *confined, *words]

    def told(self, settings: Mapping[str, str]) -> dict[str, str]:
        """The whole environment of a process in it."""
        return self.environment | dict(settings)

    def run(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self.command(words),
            env=self.told(settings),
            capture_output=True,
            text=True,
            timeout=RUNS_WITHIN,
            check=False,
        )

    def copy(self, instruction: Instruction, made: Mapping[str, Image]) -> None:
        """COPY: a folder's contents, or a file."""
        words = instruction.words
        origin = made[words.pop(0).partition("=")[2]].root if words[0].startswith("--from=") else ROOT
        *sources, target = words
        for source in sources:
            path, goal = origin / source.lstrip("/"), self.place(target)
            if path.is_dir():
                ignored = None if origin != ROOT else shutil.ignore_patterns("__pycache__")
                copy = os.link if origin != ROOT else shutil.copy2  # a stage's files change no more
                shutil.copytree(path, goal, symlinks=True, ignore=ignored, copy_function=copy, dirs_exist_ok=True)
            else:
                goal.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, goal)

    def carry_out(self, command: str) -> None:
        """RUN, with the paths that it names in this folder."""
        here = OURS.sub(f"{self.root}/", PIP.sub(r"uv pip install --quiet --link-mode=copy --python \1", f" {command}"))
        # Set by what runs the tests, and would lead past the folder.
        known = {name: value for name, value in os.environ.items() if not name.startswith(("VIRTUAL_ENV", "PYTHON"))}
        done = subprocess.run(
            ["/bin/sh", "-ec", here],
            cwd=self.place("."),
            env=known | {"PATH": f"{Path(sys.executable).parent}:{known['PATH']}"},
            capture_output=True,
            text=True,
            timeout=RUNS_WITHIN,
            check=False,
        )
        assert done.returncode == 0, f"{here}: {done.stdout}{done.stderr}"

    def know(self, instruction: Instruction) -> None:
        """ENV: the image's own places come as they are called here."""
        for word in instruction.words:
            name, _, value = word.partition("=")
            places = value.replace("$PATH", self.environment["PATH"]).split(":")
            self.environment[name] = ":".join(
                str(self.place(one)) if self.place(one).exists() else one for one in places
            )


@contextmanager
def image(folder: Path) -> Iterator[Image]:
    """The last stage, read-only for as long as it is used."""
    made: dict[str, Image] = {}
    for number, stage in enumerate(stages()):
        called = stage.name or "image"
        made[called] = _made(stage, Image(folder / f"{number}-{called}"), made)
    last = made["image"]
    subprocess.run(["chmod", "-R", "a-w", last.root], check=True)
    try:
        yield last
    finally:
        subprocess.run(["chmod", "-R", "u+w", last.root], check=True)


def _made(stage: Stage, empty: Image, made: Mapping[str, Image]) -> Image:
    empty.root.mkdir(parents=True)
    for one in stage.instructions:
        match one.name:
            case "WORKDIR":
                empty.workdir = one.text
                empty.place(".").mkdir(parents=True, exist_ok=True)
            case "COPY":
                empty.copy(one, made)
            case "RUN" if stage.name:  # what the last stage runs is done to the base image, which is not here
                empty.carry_out(one.text)
            case "ENV":
                empty.know(one)
            case _:
                pass
    return empty
