"""What a kustomization renders to: by this machine's kubectl or kustomize, or by Debian's, unpacked into `.venv`."""

from __future__ import annotations

import fcntl
import hashlib
import json
import platform
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
UNPACKED: Final = ROOT / ".venv" / "kustomize"  # goes with the environment, and is shared by whoever shares that
# From this major version on every field that we use is known, and none is deprecated: kubectl has it since 1.27.
NEEDED: Final = 5
# Debian's own package, whichever distribution this machine is: a file that never changes, known by its digest.
POOL: Final = "http://deb.debian.org/debian/pool/main/k/kustomize/kustomize_5.6.0+ds-1+b2_{}.deb"
DIGESTS: Final = {
    "amd64": "552bbe5563b522685b10f75a9a226bfbee9778fc313b205d595fdbb7e9c70e33",
    "arm64": "32d0e1959b5fc257101c8d6139da72af38ff7ce777089666f9d1c916810f1800",
}
MACHINES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


def render(folder: Path) -> list[dict[str, Any]]:
    """The manifests that `kubectl apply -k` would send; AssertionError where it could not."""
    done = _run([*command(), str(folder)])
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@cache
def command() -> tuple[str, ...]:
    """What renders, without the folder. The last resort is a sentence that says what to do."""
    if (found := _found()) is None:
        install()
        found = _found()
    assert found is not None, (
        "these tests need kubectl 1.27 or newer, or kustomize 5, and it could not be unpacked here: install one of them"
    )
    return found


def install() -> None:
    """Unpack Debian's package without installing it; where that cannot be done, nothing happens."""
    machine = MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None or shutil.which("dpkg") is None:
        return
    UNPACKED.mkdir(exist_ok=True)
    with _alone(), suppress(OSError, subprocess.SubprocessError):
        if (UNPACKED / "kustomize").exists():
            return
        print("carillon: unpacking kustomize for the tests (once)", file=sys.stderr)
        with urllib.request.urlopen(POOL.format(machine), timeout=60) as answer:
            package = answer.read()
        assert hashlib.sha256(package).hexdigest() == DIGESTS[machine], "this is not the package that was chosen"
        (UNPACKED / "package.deb").write_bytes(package)
        subprocess.run(
            ["dpkg", "-x", UNPACKED / "package.deb", UNPACKED / "root"], capture_output=True, timeout=60, check=True
        )
        (UNPACKED / "root" / "usr" / "bin" / "kustomize").replace(UNPACKED / "kustomize")
        shutil.rmtree(UNPACKED / "root")
        (UNPACKED / "package.deb").unlink()


def _found() -> tuple[str, ...] | None:
    kubectl, kustomize = shutil.which("kubectl"), shutil.which("kustomize")
    if kubectl is not None and _is_recent(_run([kubectl, "version", "--client", "--output=json"]).stdout):
        return (kubectl, "kustomize")
    if kustomize is not None and _is_recent(json.dumps({"kustomizeVersion": _run([kustomize, "version"]).stdout})):
        return (kustomize, "build")
    unpacked = UNPACKED / "kustomize"
    return (str(unpacked), "build") if unpacked.exists() else None


def _is_recent(said: str) -> bool:
    with suppress(ValueError):
        version = re.search(r"v(\d+)\.", json.loads(said).get("kustomizeVersion", ""))
        return version is not None and int(version[1]) >= NEEDED
    return False


@contextmanager
def _alone() -> Iterator[None]:
    """Whoever comes second waits, and finds it done."""
    with (UNPACKED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(line: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
