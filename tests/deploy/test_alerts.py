"""The alerts: Prometheus takes them, each fires for what it is for and for nothing else, and each says what to do."""

from __future__ import annotations

import re
from typing import Final

import pytest
import yaml

from tests.deploy import queries
from tests.servers.prometheus import promtool

OPERATIONS: Final = queries.ROOT / "docs" / "operations.md"
TRIALS: Final = sorted(queries.PROMETHEUS.glob("*_test.yaml"))
ALERTS: Final = queries.alerts()
PORTS: Final = {"api_service": 8080, "dispatcher_service": 8081}  # of what is started so


def test_prometheus_takes_the_rules_and_the_example() -> None:
    promtool("check", "rules", queries.ALERTS)
    promtool("check", "config", queries.PROMETHEUS / "prometheus.yaml")


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: str(trial.name))
def test_each_alert_fires_for_what_it_is_for_and_for_nothing_else(trial: object) -> None:
    promtool("test", "rules", str(trial))


def test_each_alert_is_tried() -> None:
    tried = [test for trial in TRIALS for test in yaml.safe_load(trial.read_text())["tests"]]

    assert sorted(test["name"] for test in tried) == sorted(ALERTS)
    for test in tried:
        asked = test["promql_expr_test"]
        assert all(f'alertname="{test["name"]}"' in one["expr"] for one in asked), test["name"]
        assert "exp_samples" not in asked[0], f"{test['name']} is not seen to keep still"
        assert asked[-1]["exp_samples"], f"{test['name']} is not seen to fire"


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_bad_it_is_and_what_it_means(name: str) -> None:
    alert = ALERTS[name]
    annotations = alert["annotations"]

    assert name.startswith("Carillon")  # among those of other programs it is known by its name alone
    assert alert["labels"]["severity"] in {"page", "ticket"}
    assert alert["for"] != "0s"
    assert set(annotations) == {"summary", "description", "runbook_url"}
    assert "{{" not in annotations["summary"]  # notifications are grouped by it
    assert len(annotations["description"]) > len(annotations["summary"])


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_leads_to_what_to_do(name: str) -> None:
    chapter = OPERATIONS.read_text().partition("\n## Alerts\n")[2].partition("\n## ")[0]
    entries = dict(re.findall(r"^### (\w+)\n(.*?)(?=^### |\Z)", chapter, re.MULTILINE | re.DOTALL))

    assert ALERTS[name]["annotations"]["runbook_url"] == f"docs/operations.md#{name.lower()}"
    assert name in entries, f"docs/operations.md has no `### {name}` below `## Alerts`"
    for part in ("Means", "Look at", "Do"):
        assert f"* **{part}**" in entries[name]
    assert set(re.findall(r"\(#(\w+)\)", entries[name])) <= {other.lower() for other in ALERTS}


def test_nothing_is_explained_that_cannot_fire() -> None:
    explained = re.findall(r"^### (Carillon\w+)$", OPERATIONS.read_text(), re.MULTILINE)

    assert sorted(explained) == sorted(ALERTS)


def test_the_example_finds_the_processes_of_the_compose_file() -> None:
    compose = yaml.safe_load((queries.ROOT / "deploy" / "compose.yaml").read_text())
    jobs = yaml.safe_load((queries.PROMETHEUS / "prometheus.yaml").read_text())["scrape_configs"]

    found = {name: look["port"] for job in jobs for look in job["dns_sd_configs"] for name in look["names"]}
    assert found == {
        name: port
        for name, service in compose["services"].items()
        if (port := PORTS.get(service["command"][-1] if "command" in service else "")) is not None
    }
    for job in jobs:
        assert "carillon" in job["job_name"]  # CarillonTargetDown knows them by it
