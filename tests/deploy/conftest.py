"""Every claim about the manifests is made of each overlay."""

from __future__ import annotations

import pytest

from tests.deploy.cluster import OVERLAYS, Overlay, overlay_named


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> Overlay:
    """One overlay, rendered."""
    return overlay_named(request.param)


@pytest.fixture(params=[name for name in OVERLAYS if name != "dev"])
def serious(request: pytest.FixtureRequest) -> Overlay:
    """An overlay that production may stand on, rendered."""
    return overlay_named(request.param)
