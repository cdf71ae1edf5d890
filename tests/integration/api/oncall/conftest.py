"""What every test of /api/v4 begins with: a client that speaks it, and people and schedules that exist."""

from __future__ import annotations

import pytest

from tests.integration.api.oncall.stage import V4
from tests.integration.api.stage import Api


@pytest.fixture
def v4(api: Api) -> V4:
    return V4(api)
