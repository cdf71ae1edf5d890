"""Is this a place to run in? The folder, the port and the settings, taken before anything is started."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.settings import ApiSettings, DispatcherSettings, InvalidSettings

# Stand-ins that pass the settings' checks; the real ones are known once a server has been started.
DATABASE_OF_OURS: Final = "postgresql://local/carillon"
BUS_OF_OURS: Final = "amqp://in-process/"

DEFAULTS: Final = {"API_HOST": "127.0.0.1", "DISPATCHER_NAME": "local", "LOG_LEVEL": "warning"}
LOOPBACK: Final = "127.0.0.0/8,::1"  # a developer's own receiver; elsewhere callbacks do not lead there


class Unsuitable(Exception):
    """Carillon cannot run here; the message is one line that says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What both services are told; `own_servers` where no others were named."""

    api: ApiSettings
    dispatcher: DispatcherSettings
    own_servers: bool


def settings_of(environment: Mapping[str, str]) -> Settings:
    """The settings of both services, with the defaults of a machine of one's own; raises Unsuitable."""
    own_servers = not (environment.get("DATABASE_URL") and environment.get("AMQP_URL"))
    told = DEFAULTS | {name: value for name, value in environment.items() if value.strip()}
    if own_servers:
        told |= {"DATABASE_URL": DATABASE_OF_OURS, "AMQP_URL": BUS_OF_OURS}
    told["EGRESS_ALLOW"] = ",".join(filter(None, (told.get("EGRESS_ALLOW", ""), LOOPBACK)))
    try:
        return Settings(api=ApiSettings.of(told), dispatcher=DispatcherSettings.of(told), own_servers=own_servers)
    except InvalidSettings as error:
        raise Unsuitable(" ".join(error.problems)) from error


@contextmanager
def taken(folder: Path) -> Iterator[Path]:
    """The data folder, made if need be and held by this process alone; raises Unsuitable."""
    try:
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)  # as root, Postgres runs as a user of its own and must get through
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        message = f"cannot write to {folder}: {error.strerror}"
        raise Unsuitable(message) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # gone with the process, however it ends
        yield folder
    except BlockingIOError as error:
        message = f"already runs in this folder: another process holds {folder / 'lock'}"
        raise Unsuitable(message) from error
    finally:
        os.close(lock)


@contextmanager
def bound(host: str, port: int) -> Iterator[socket.socket]:
    """A socket on this address, not yet listening; raises Unsuitable."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        message = f"API_HOST {host!r} is no address of this machine: {error.strerror}"
        raise Unsuitable(message) from error
    with listener:
        # Two sockets of one address may both be bound while neither listens, so the listening is done here too.
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(128)
        except OSError as error:
            message = f"cannot listen on {host}:{port}: {error.strerror}; choose another: API_PORT=8090 make run"
            raise Unsuitable(message) from error
        yield listener


def url_of(listener: socket.socket) -> str:
    """Where a client on this machine reaches the socket."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared with, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
