"""A real RabbitMQ for tests: the environment's, this machine's, an installed one, or a container; never none."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from deploy.local.process import ServerDied, TetheredProcess, free_port

BOOT_SECONDS = 90
# The package's own scripts, not the wrappers in PATH that change users.
SERVER_PLACES = (
    "/usr/lib/rabbitmq/bin",
    "/opt/homebrew/opt/rabbitmq/sbin",
    "/usr/local/opt/rabbitmq/sbin",
    "/opt/rabbitmq/sbin",
)


class Rabbit(Protocol):
    """A broker that a test may do anything to."""

    @property
    def url(self) -> str: ...

    def start(self) -> None: ...

    def stop(self) -> None:
        """End it gracefully; `start` finds the same port and data again."""
        ...

    def kill(self) -> None:
        """End it at once; `start` finds the same port and data again."""
        ...

    def ctl(self, *arguments: str, tool: str = "rabbitmqctl") -> str:
        """What rabbitmqctl says, or another of its tools."""
        ...

    def ctl_line(self) -> str:
        """A line of a shell script that does as rabbitmqctl does."""
        ...

    def close(self) -> None:
        """End it and forget its data."""
        ...


class RabbitServer:
    """RabbitMQ in a scratch folder: own node name, own ports, own epmd, no plugins, loopback only, as any user."""

    def __init__(self, folder: Path, *, scripts: Path) -> None:
        self._folder = folder
        self._scripts = scripts
        self._port, self._dist_port, self._epmd_port = free_port(), free_port(), free_port()
        self._node = f"carillon-{secrets.token_hex(4)}@localhost"
        self._process: TetheredProcess | None = None
        self._env = self._furnish()

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self._port}/"

    @property
    def port(self) -> int:
        return self._port

    @property
    def pid(self) -> int:
        """The process's id, while it runs."""
        assert self._process is not None, "started"
        return self._process.pid

    def start(self) -> None:
        """epmd and the node share a process group, so that neither outlives the other.

        A node that finds no epmd would start one that nobody ends.
        """
        boot = (
            'epmd -port "$ERL_EPMD_PORT" -address 127.0.0.1 & '
            'until epmd -port "$ERL_EPMD_PORT" -names >/dev/null 2>&1; do sleep 0.02; done; '
            'exec "$0"'
        )
        log = self._folder / "output.log"
        self._process = TetheredProcess(
            ["/bin/sh", "-c", boot, self._scripts / "rabbitmq-server"], log=log, env=self._env
        )
        deadline = time.monotonic() + BOOT_SECONDS
        while not speaks_amqp(self._port):
            if not self._process.is_running or time.monotonic() > deadline:
                self._process.end()
                raise ServerDied(f"RabbitMQ did not start:\n{log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process = None

    def ctl(self, *arguments: str, tool: str = "rabbitmqctl") -> str:
        return _run([str(self._scripts / tool), "--quiet", *arguments], env=self._env)

    def ctl_line(self) -> str:
        told = [f"{name}={value}" for name, value in self._env.items()]
        return shlex.join(["exec", "env", "-i", *told, str(self._scripts / "rabbitmqctl"), "--quiet"]) + ' "$@"'

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _furnish(self) -> dict[str, str]:
        for name in ("home", "data", "log", "config"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        (self._folder / "enabled_plugins").write_text("[].\n")
        (self._folder / "environment.conf").write_text("")
        (self._folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.default = 127.0.0.1:{self._port}\n"
            "disk_free_limit.absolute = 1MB\n"
            "log.file.level = warning\n"
        )
        inherited = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        return inherited | {
            "PATH": f"{inherited.get('PATH', '')}:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self._folder / "home"),  # the cookie's place
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "data"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self._folder / "config"),
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self._folder / "none.config"),
            "RABBITMQ_CONF_ENV_FILE": str(self._folder / "environment.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "enabled_plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RUNNING_UNDER_SYSTEMD": "true",  # the script becomes the node rather than its parent: signals arrive
        }


class RabbitContainer:
    """RabbitMQ in a container, where this machine has no other."""

    IMAGE = "rabbitmq:3"

    def __init__(self) -> None:
        self._port = free_port()
        self._name = f"carillon-test-{secrets.token_hex(4)}"
        self._exists = False

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self._port}/"

    def start(self) -> None:
        if self._exists:
            _run(["docker", "start", self._name])
        else:
            _run([
                *("docker", "run", "--detach", "--name", self._name, "--hostname", "rabbit"),
                *("--publish", f"127.0.0.1:{self._port}:5672", self.IMAGE),
            ])
            self._exists = True
        deadline = time.monotonic() + BOOT_SECONDS
        while not speaks_amqp(self._port):
            if time.monotonic() > deadline:
                raise ServerDied(f"RabbitMQ did not start in {self._name}: {_run(['docker', 'logs', self._name])}")
            time.sleep(0.2)

    def stop(self) -> None:
        _run(["docker", "stop", self._name])

    def kill(self) -> None:
        _run(["docker", "kill", self._name])

    def ctl(self, *arguments: str, tool: str = "rabbitmqctl") -> str:
        return _run(["docker", "exec", self._name, tool, "--quiet", *arguments])

    def ctl_line(self) -> str:
        return f'exec docker exec {self._name} rabbitmqctl --quiet "$@"'

    def close(self) -> None:
        if self._exists:
            _run(["docker", "rm", "--force", "--volumes", self._name])


def provide(folder: Path) -> Rabbit:
    """A broker of our own, started. The last resort is a sentence that says what to do."""
    scripts = server_scripts()
    if scripts is None:
        install()
        scripts = server_scripts()
    rabbit: Rabbit
    if scripts is not None:
        rabbit = RabbitServer(folder, scripts=scripts)
    elif docker_works():
        rabbit = RabbitContainer()
    else:
        raise ServerDied(
            "These tests need RabbitMQ 3.10 or newer, and it could not be installed here: install rabbitmq-server, "
            "start Docker, or set AMQP_URL to a broker that they may use."
        )
    rabbit.start()
    return rabbit


def server_scripts() -> Path | None:
    """Where this machine's RabbitMQ has its scripts."""
    for place in SERVER_PLACES:
        if (Path(place) / "rabbitmq-server").exists() and shutil.which("erl", path=_wide_path()):
            return Path(place)
    return None


def docker_works() -> bool:
    if shutil.which("docker") is None:
        return False
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(["docker", "info"], capture_output=True, timeout=10, check=False).returncode == 0
    return False


def install() -> None:
    """Install the system's package; a service that it may start on its own is neither used nor disturbed."""
    if sys.platform == "darwin" and shutil.which("brew"):
        commands = [["brew", "install", "rabbitmq"]]
    elif shutil.which("apt-get"):
        root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        # Somebody else may be installing something; then it is our turn afterwards.
        quietly = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
        commands = [
            [*root, *quietly, "update"],
            [*root, *quietly, "install", "--no-install-recommends", "rabbitmq-server"],
        ]
    else:
        return
    print("carillon: installing RabbitMQ for the tests (once)", file=sys.stderr)
    for command in commands:
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(command, capture_output=True, timeout=600, check=False)


def speaks_amqp(port: int) -> bool:
    """Does it greet an AMQP client? It listens a moment before it does."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2) as probe:
        probe.sendall(b"AMQP\x00\x00\x09\x01")
        return probe.recv(1) == b"\x01"
    return False


def _wide_path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/bin:/usr/local/bin:/opt/homebrew/bin"


def _run(command: list[str], env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise ServerDied(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout
