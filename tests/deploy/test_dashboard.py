"""The dashboard: a Grafana imports it anywhere, and every panel says what it shows and when that is bad."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest

from tests.deploy import queries

DASHBOARD: Final = queries.dashboard()
PANELS: Final = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
ROWS: Final = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
UNITS: Final = {"s", "ops", "reqps", "none", "short", "percentunit", "bytes"}
GRID_WIDTH: Final = 24


def test_it_can_be_imported_anywhere() -> None:
    assert DASHBOARD["schemaVersion"] >= 39  # Grafana 11, whose panels these are
    assert DASHBOARD["uid"] == "carillon"
    assert DASHBOARD["id"] is None  # that of one Grafana would overwrite what another has there
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    asked = [*PANELS, *(target for panel in PANELS for target in panel["targets"]), *DASHBOARD["annotations"]["list"]]
    assert all(one["datasource"] == SOURCE for one in asked)


def test_what_can_be_chosen_is_used_and_what_is_used_can_be_chosen() -> None:
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$(\w+)", " ".join(target["expr"] for panel in PANELS for target in panel["targets"])))

    assert list(variables) == ["datasource", "namespace", "job", "instance"]
    assert used - {"__rate_interval"} == set(variables) - {"datasource"}
    for name in ("namespace", "job", "instance"):
        # Where targets have no such label, all must match those without one.
        assert variables[name]["allValue"] == ".*"
        assert variables[name]["datasource"] == SOURCE
        assert variables[name]["query"]["query"] == variables[name]["definition"]


def test_its_rows_are_questions_and_each_has_answers() -> None:
    counts = dict.fromkeys(ROWS, 0)
    row = ""
    for panel in DASHBOARD["panels"]:
        row = panel["title"] if panel["type"] == "row" else row
        counts[row] += panel["type"] != "row"

    assert all(row.endswith("?") for row in ROWS)
    assert all(count >= 6 for count in counts.values()), counts


def test_panels_stand_beside_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= GRID_WIDTH, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_a_panel_says_what_it_shows_in_which_unit_and_when_that_is_bad(panel: dict[str, Any]) -> None:
    shown = panel["fieldConfig"]["defaults"]

    assert panel["description"].endswith(".")
    assert shown["unit"] in UNITS
    assert shown["thresholds"]["mode"] == "absolute"
    assert shown["thresholds"]["steps"][0]["value"] is None
    values = [step["value"] for step in shown["thresholds"]["steps"][1:]]
    assert values == sorted(values)
    references = [target["refId"] for target in panel["targets"]]
    assert references == sorted(set(references))
    assert len(references) == 1 or all(target["legendFormat"] for target in panel["targets"])


def test_a_rate_is_never_shorter_than_what_is_scraped() -> None:
    for panel in PANELS:
        for target in panel["targets"]:
            windows = re.findall(r"rate\([^[]*\[([^\]]+)\]", target["expr"])
            assert set(windows) <= {"$__rate_interval"}, panel["title"]
