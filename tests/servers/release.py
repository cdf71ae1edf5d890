"""The previous release, as it was landed: its code in one archive, for who has no history, and to run beside ours."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any, Final

PREVIOUS: Final = "0.2.0"
ARCHIVE: Final = Path(__file__).parents[1] / "data" / "releases" / f"{PREVIOUS}.tar.xz"


def unpacked(folder: Path) -> Path:
    """The folder, with both services and `shared` of the previous release in it."""
    safely: Any = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # not before 3.11.4
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, **safely)  # noqa: S202 - an archive of our own
    return folder


def text(name: str) -> str:
    """What the previous release has in this file."""
    with tarfile.open(ARCHIVE) as archive:
        found = archive.extractfile(name)
        assert found is not None, f"{name} is no file"
        return found.read().decode()


def names(folder: str) -> list[str]:
    """The previous release's files in this folder, in order."""
    with tarfile.open(ARCHIVE) as archive:
        return sorted(name for name in archive.getnames() if name.startswith(f"{folder}/"))
