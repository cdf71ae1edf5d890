"""`make run`: it rings, it stops, it comes back, and it says in one line why it cannot."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.clock import SystemClock
from tests.acceptance.newcomer import ROOT, Terminal, bash, environment, free_port, running_in, terminal

UP = "Ctrl-C stops everything"
TOUR = re.compile(r"^## A tour$(.*?)^## ", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def key_on(screen: list[str]) -> str:
    [line] = [line for line in screen if "API key" in line]
    return line.split()[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Empty, and open to the user that Postgres runs as where we are root."""
    with tempfile.TemporaryDirectory(prefix="carillon-") as path:
        Path(path).chmod(0o755)
        yield Path(path)


@pytest.fixture(scope="module")
def once() -> Iterator[Path]:
    """A folder in which it has run once."""

    async def run(path: Path) -> None:
        async with terminal(path) as shell:
            await shell.shows(UP)
            assert await stopped(shell) == 0

    with tempfile.TemporaryDirectory(prefix="carillon-") as path:
        Path(path).chmod(0o755)
        asyncio.run(run(Path(path)))
        yield Path(path)


@pytest.fixture
def furnished(once: Path, folder: Path) -> Path:
    """A folder of one's own in which it has run before."""
    subprocess.run(["cp", "-a", once / ".local", folder], check=True)
    return folder


async def stopped(shell: Terminal) -> int:
    shell.press(signal.SIGINT)
    return await shell.ends()


async def test_the_line_that_is_printed_can_be_pasted_and_rings(furnished: Path) -> None:
    async with terminal(furnished) as shell:
        await shell.shows(UP)
        [line] = [line for line in shell.screen if "curl" in line]

        code, said = await bash(line, folder=furnished, port=shell.port)
        assert code == 0, said
        async with asyncio.timeout(5):
            rang = await shell.shows("rang")

        assert '{"hello": "world"}' in rang
        assert await stopped(shell) == 0


async def test_the_tour_of_the_readme_works_verbatim(furnished: Path) -> None:
    tour = TOUR.search((ROOT / "README.md").read_text())
    assert tour
    blocks = BLOCK.findall(tour[1])
    assert len(blocks) > 5

    async with terminal(furnished) as shell:
        await shell.shows(UP)
        script = "\n".join(blocks).replace("9099", str(free_port()))
        code, said = await bash(script, folder=furnished, port=shell.port)

    assert code == 0, said
    assert re.search(r'^genuine \S+-\d+ {"user":12345}$', said, re.MULTILINE), said
    assert re.search(r'^forged  {"user": 1}$', said, re.MULTILINE), said
    for expected in ("webhook-id", '"DELIVERED"', '"total":1', '"PAUSED"', '"statusCode":400'):
        assert expected in said.replace(": ", ":"), said


async def test_the_tour_of_on_call_works_verbatim(furnished: Path) -> None:
    tour = TOUR.search((ROOT / "docs" / "on-call.md").read_text())
    assert tour
    blocks = BLOCK.findall(tour[1])
    assert len(blocks) > 5

    async with terminal(furnished) as shell:
        await shell.shows(UP)
        code, said = await bash("\n".join(blocks), folder=furnished, port=shell.port)

    assert code == 0, said
    for expected in ('"dry_run":true', '"kind":"shift.started"', '"name":"Ada"', '"gap_hours":0.0', "BEGIN:VEVENT"):
        assert expected in said.replace(": ", ":"), said


@pytest.mark.parametrize("presses", [1, 4])
async def test_ctrl_c_stops_everything(furnished: Path, presses: int) -> None:
    async with terminal(furnished) as shell:
        await shell.shows(UP)
        for _ in range(presses):
            shell.press(signal.SIGINT)
            await SystemClock().sleep(0.1)  # an impatient finger: the next press meets the tidying up

        assert await shell.ends() == 0
        assert "Traceback" not in "\n".join(shell.screen)
        assert not running_in(furnished)


async def test_sigterm_stops_everything(furnished: Path) -> None:
    async with terminal(furnished) as shell:
        await shell.shows(UP)
        shell.process.send_signal(signal.SIGTERM)

        assert await shell.ends() == 0
        assert not running_in(furnished)


@pytest.mark.parametrize("seconds", [0.2, 0.5, 0.8, 1.1, 1.4])
async def test_ctrl_c_while_it_starts_leaves_nothing_behind(folder: Path, seconds: float) -> None:
    async with terminal(folder) as shell:
        # Not a wait for something: the moment of the key press is what varies.
        await SystemClock().sleep(seconds)
        shell.press(signal.SIGINT)

        assert await shell.ends() == 0
        assert "Traceback" not in "\n".join(shell.screen)
        assert not running_in(folder)


async def test_it_comes_back_as_it_was(furnished: Path) -> None:
    key_file = furnished / ".local" / "api-key"
    first = key_file.read_text().strip()
    async with terminal(furnished) as shell:
        await shell.shows(UP)

        assert key_on(shell.screen) == first
        assert key_file.stat().st_mode & 0o777 == 0o600


async def test_a_lost_key_is_replaced(furnished: Path) -> None:
    key_file = furnished / ".local" / "api-key"
    first = key_file.read_text().strip()
    key_file.unlink()
    async with terminal(furnished) as shell:
        await shell.shows(UP)

        assert key_on(shell.screen) == key_file.read_text().strip() != first


async def test_a_lost_signing_secret_is_replaced(furnished: Path) -> None:
    secret_file = furnished / ".local" / "signing-secret"
    first = secret_file.read_text()
    secret_file.unlink()
    async with terminal(furnished) as shell:
        await shell.shows(UP)

        assert first.startswith("whsec_")
        assert secret_file.read_text().startswith("whsec_")
        assert secret_file.read_text() != first
        assert secret_file.stat().st_mode & 0o777 == 0o600


async def test_it_comes_back_after_kill_9(furnished: Path) -> None:
    async with terminal(furnished) as shell:
        await shell.shows(UP)
        shell.press(signal.SIGKILL)
        await shell.process.wait()

    async with terminal(furnished) as shell:
        await shell.shows(UP)

        assert await stopped(shell) == 0
        assert not running_in(furnished)


@pytest.mark.alone
async def test_a_later_start_takes_less_than_three_seconds(furnished: Path) -> None:
    clock = SystemClock()
    began = clock.steady()
    async with terminal(furnished) as shell:
        await shell.shows(UP)

        assert clock.steady() - began < 3


async def refusal(shell: Terminal) -> str:
    assert await shell.ends() == 1
    assert len(shell.screen) == 1, "\n".join(shell.screen)
    return shell.screen[0]


async def test_a_busy_port_is_said_in_one_line(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        async with terminal(folder, port=port) as shell:
            assert f"carillon: cannot listen on 127.0.0.1:{port}" in await refusal(shell)


async def test_a_second_one_in_the_same_folder_is_said_in_one_line(furnished: Path) -> None:
    async with terminal(furnished) as first:
        await first.shows(UP)
        async with terminal(furnished) as second:
            assert "already runs in this folder" in await refusal(second)


async def test_a_folder_that_cannot_be_written_is_said_in_one_line(folder: Path) -> None:
    (folder / ".local").write_text("a file where the folder should be: not even root can write into it")
    async with terminal(folder) as shell:
        assert f"carillon: cannot write to {folder}" in await refusal(shell)


async def test_a_wrong_setting_is_said_in_one_line(folder: Path) -> None:
    async with terminal(folder, SHARDS="many") as shell:
        assert "SHARDS must be a number" in await refusal(shell)


@pytest.mark.parametrize(
    ("version", "said"),
    [("3.10.4", "needs Python 3.11 or newer, found 3.10.4"), (None, "needs Python 3.11 or newer, found none")],
)
async def test_a_python_that_is_too_old_is_said_in_one_line(folder: Path, version: str | None, said: str) -> None:
    if version:
        # Answers what it is asked for its version, and fails whatever else it is asked.
        old = folder / "python3"
        old.write_text(f'#!/bin/sh\ncase "$2" in *platform*) echo {version} ;; *) exit 1 ;; esac\n')
        old.chmod(0o755)
    process = await asyncio.create_subprocess_exec(
        shutil.which("sh") or "/bin/sh",
        str(ROOT / "deploy" / "venv.sh"),
        "make",
        cwd=folder,
        env=environment() | {"PATH": str(folder), "PYTHON": "python3"},
        stderr=asyncio.subprocess.PIPE,
    )
    _, error = await process.communicate()

    assert process.returncode == 1
    assert error.decode().startswith(f"carillon: {said}")
    assert len(error.decode().splitlines()) == 1
    assert not (folder / ".venv").exists()


def test_the_scripts_can_be_executed() -> None:
    assert all(os.access(ROOT / script, os.X_OK) for script in ("deploy/venv.sh", ".ci/run"))
