"""Every claim about the manifests is made of each overlay; the image is made once for all who run it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.cluster import OVERLAYS, Overlay, overlay_named
from tests.deploy.image import Image, image


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> Overlay:
    """One overlay, rendered."""
    return overlay_named(request.param)


@pytest.fixture(params=[name for name in OVERLAYS if name != "dev"])
def serious(request: pytest.FixtureRequest) -> Overlay:
    """An overlay that production may stand on, rendered."""
    return overlay_named(request.param)


@pytest.fixture(scope="session")
def carillon(scratch: Path) -> Iterator[Image]:
    """What the Dockerfile makes, read-only."""
    with image(scratch / "image") as made:
        yield made
