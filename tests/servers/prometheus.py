"""A real Prometheus for tests, and its promtool: this machine's, or a package unpacked into `.venv`, as any user."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from deploy.local.process import ServerDied, TetheredProcess, free_port

ROOT = Path(__file__).parents[2]
UNPACKED = ROOT / ".venv" / "prometheus"  # goes with the environment, and is shared by whoever shares that
BOOT_SECONDS = 30
PROGRAMS = ("prometheus", "promtool")


class PrometheusServer:
    """Prometheus in a scratch folder, with the configuration that it is given; on loopback only."""

    def __init__(self, folder: Path, configuration: str) -> None:
        self._folder = folder
        self._port = free_port()
        folder.mkdir(parents=True)
        (folder / "prometheus.yaml").write_text(configuration)
        self._process: TetheredProcess | None = None

    def start(self) -> None:
        """Start it, and wait until it answers queries."""
        log = self._folder / "output.log"
        self._process = TetheredProcess(
            [
                program("prometheus"),
                f"--config.file={self._folder / 'prometheus.yaml'}",
                f"--storage.tsdb.path={self._folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self._port}",
            ],
            log=log,
        )
        deadline = time.monotonic() + BOOT_SECONDS
        while not self._is_ready():
            if not self._process.is_running or time.monotonic() > deadline:
                self._process.end()
                raise ServerDied(f"Prometheus did not start:\n{log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.05)

    def query(self, expression: str, *, at: float) -> list[Any]:
        """The series that this expression gives at this moment."""
        return list(self.ask("query", query=expression, time=f"{at:.3f}")["result"])

    def ask(self, what: str, **parameters: str) -> Any:
        """What /api/v1 says to this."""
        url = f"http://127.0.0.1:{self._port}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{what} {parameters}: {error.read().decode(errors='replace')}") from error

    def close(self) -> None:
        """End it; its data goes with the folder."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def _is_ready(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self._port}/-/ready", timeout=2) as answer:
            return bool(answer.status == 200)
        return False


def promtool(*arguments: str | Path) -> str:
    """What promtool says; AssertionError where it is not content."""
    done = subprocess.run([program("promtool"), *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def program(name: str) -> Path:
    """Where the program is. The last resort is a sentence that says what to do."""
    if (found := _found(name)) is None:
        install()
        found = _found(name)
    if found is None:
        raise ServerDied(
            "These tests need Prometheus 2.42 or newer, and it could not be unpacked here: "
            "install it so that prometheus and promtool are in PATH."
        )
    return found


def is_there() -> bool:
    """Is there nothing to install?"""
    return all(_found(name) for name in PROGRAMS)


def install() -> None:
    """Unpack the distribution's package without installing it: no service starts, and nobody need be root."""
    if sys.platform == "darwin" and shutil.which("brew"):
        _try(["brew", "install", "prometheus"])
    elif shutil.which("apt-get") and shutil.which("dpkg"):
        with _alone():
            if not is_there():
                print("carillon: unpacking Prometheus for the tests (once)", file=sys.stderr)
                _unpack()


def _unpack() -> None:
    folder = UNPACKED.with_name("prometheus.new")
    shutil.rmtree(folder, ignore_errors=True)
    # The machine's own lists may be old or missing, and only root may renew them: then lists of our own.
    (folder / "lists" / "partial").mkdir(parents=True)
    own_lists = [
        "-o",
        f"Dir::State::Lists={folder / 'lists'}",
        "-o",
        f"Dir::Cache={folder}",
        "-o",
        "APT::Sandbox::User=",
    ]
    _try(["apt-get", "-qq", "download", "prometheus"], folder)
    if not _packages(folder):
        _try(["apt-get", "-qq", *own_lists, "update"], folder)
        _try(["apt-get", "-qq", *own_lists, "download", "prometheus"], folder)
    for package in _packages(folder):
        _try(["dpkg", "-x", str(package), str(folder / "root")])
    for name in PROGRAMS:
        with suppress(OSError):
            UNPACKED.mkdir(exist_ok=True)
            (folder / "root" / "usr" / "bin" / name).replace(UNPACKED / name)
    shutil.rmtree(folder, ignore_errors=True)


def _packages(folder: Path) -> list[Path]:
    return list(folder.glob("prometheus_*.deb"))


@contextmanager
def _alone() -> Iterator[None]:
    """Whoever comes second waits, and finds it done."""
    with UNPACKED.with_name("prometheus.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _found(name: str) -> Path | None:
    if (UNPACKED / name).exists():
        return UNPACKED / name
    found = shutil.which(name)
    return None if found is None else Path(found)


def _try(command: Sequence[str], folder: Path | None = None) -> None:
    with suppress(OSError, subprocess.SubprocessError):
        subprocess.run(command, cwd=folder, env=os.environ, capture_output=True, timeout=300, check=False)
