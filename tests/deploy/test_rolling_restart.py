"""No alert fires while every process is replaced, one after the other; a restart that goes wrong is heard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.queries import ALERTS
from tests.deploy.rolling import Installation, trial
from tests.servers.prometheus import promtool


def fires(installation: Installation, folder: Path, *expected: str) -> None:
    """These alerts have fired at some time, and no other."""
    samples: list[dict[str, Any]] = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in expected]
    told = folder / "trial.yaml"
    told.write_text(yaml.safe_dump(trial(installation, str(ALERTS), samples)))
    promtool("test", "rules", told)


@pytest.mark.parametrize(("dispatchers", "apis"), [(3, 2), (10, 4)])
def test_a_rolling_restart_wakes_nobody(dispatchers: int, apis: int, tmp_path: Path) -> None:
    fires(Installation(dispatchers=dispatchers, apis=apis), tmp_path)


def test_a_restart_that_leaves_shards_behind_is_heard(tmp_path: Path) -> None:
    installation = Installation(dispatchers=3, apis=2, orphans=2)

    fires(installation, tmp_path, "CarillonCanarySilent", "CarillonShardsWithoutOwner")
