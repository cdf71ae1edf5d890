"""What the real cron-parser 5.10.5 answered, case by case."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from shared.timing import cron
from shared.timing.instants import from_datetime, iso
from shared.timing.zones import zone

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "data" / "cron-cases.jsonl").read_text(encoding="utf-8").splitlines()
]


def test_all_the_cases_are_here() -> None:
    assert len(CASES) == 398


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['expr']!r} {case['tz']}")
def test_agrees_with_cron_parser(case: dict[str, Any]) -> None:
    if case["next"] is None:
        with pytest.raises(cron.InvalidRule):
            cron.parse(case["expr"])
        return

    rule = cron.parse(case["expr"])
    start = from_datetime(datetime.fromisoformat(case["start"]))

    assert [iso(instant) for instant in cron.upcoming(rule, zone(case["tz"]), start, 6)] == case["next"]
