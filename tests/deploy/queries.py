"""What do the alerts and the dashboard ask for? Every query in deploy/, and what each consists of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import promql_parser as promql
import yaml

ROOT: Final = Path(__file__).parents[2]
PROMETHEUS: Final = ROOT / "deploy" / "prometheus"
ALERTS: Final = PROMETHEUS / "alerts.yaml"
DASHBOARD: Final = ROOT / "deploy" / "grafana" / "carillon.json"

# What Grafana puts in, where everything is chosen; rates are made short enough for a Prometheus that has just begun.
_CHOSEN: Final = {
    "$__rate_interval": "1m",
    "$namespace": ".*",
    "$job": ".*",
    "$instance": ".*",
}
_COMPARISONS: Final = ("==", "!=", ">", "<", ">=", "<=")
_NAMES_OF_PROMETHEUS: Final = ("ALERTS", "up")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query and the labels that whoever shows its result names."""

    where: str
    expression: str
    shows: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.where}: {' '.join(self.expression.split())}"


def groups() -> list[dict[str, Any]]:
    """The groups of the rule file."""
    found: list[dict[str, Any]] = yaml.safe_load(ALERTS.read_text())["groups"]
    return found


def alerts() -> dict[str, dict[str, Any]]:
    """The alerts by their names."""
    return {rule["alert"]: rule for group in groups() for rule in group["rules"] if "alert" in rule}


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana imports it."""
    found: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return found


def of_rules() -> Iterator[Query]:
    """What the rules ask for, and which labels their texts name."""
    for group in groups():
        for rule in group["rules"]:
            texts = " ".join(rule.get("annotations", {}).values())
            yield Query(
                where=rule.get("alert") or rule["record"],
                expression=rule["expr"],
                shows=frozenset(re.findall(r"\$labels\.(\w+)", texts)),
            )


def of_dashboard() -> Iterator[Query]:
    """What the panels ask for, and which labels their legends name."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            shows = frozenset(re.findall(r"{{\s*(\w+)\s*}}", target["legendFormat"]))
            yield Query(where=panel["title"], expression=chosen(target["expr"]), shows=shows)


def chosen(expression: str) -> str:
    """The expression as Grafana sends it."""
    for name, value in _CHOSEN.items():
        expression = expression.replace(name, value)
    assert "$" not in expression, f"a variable that the dashboard has not: {expression}"
    return expression


def now(expression: str) -> str:
    """The expression, asked of now where it asks of hours ago."""
    return re.sub(r"\s+offset\s+\w+", "", expression)


def selectors(expression: str) -> set[str]:
    """What it reads, each with its matchers; what Prometheus itself makes is left out."""
    return {_text(node) for node in _nodes(expression, promql.VectorSelector) if node.name not in _NAMES_OF_PROMETHEUS}


def matched(selector: str) -> set[str]:
    """The labels that a selector asks for."""
    return {one.name for node in _nodes(selector, promql.VectorSelector) for one in node.matchers.matchers}


def grouped(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Each aggregation's operand, and the labels that it keeps."""
    for node in _nodes(expression, promql.AggregateExpr):
        if node.modifier is not None and node.modifier.type == promql.AggModifierType.By:
            yield _text(node.expr), set(node.modifier.labels)


def sides(expression: str) -> list[str]:
    """What must have a value while all is well for the query to have one when it is not.

    A comparison is asked as a difference, so that its sides are seen to match; what excludes is asked to match, too; of
    alternatives each is asked.
    """
    return [_text(promql.parse(side)) for side in _sides(promql.parse(expression))]


def _sides(node: promql.Expr) -> list[str]:
    if isinstance(node, promql.ParenExpr):
        return _sides(node.expr)
    if isinstance(node, promql.Call) and node.func.name == "absent":
        return _sides(node.args[0])
    if isinstance(node, promql.BinaryExpr):
        op, matching = str(node.op), _matching(node)
        if op == "or":
            return _sides(node.lhs) + _sides(node.rhs)
        if op in {"and", "unless"}:
            return [f"({one}) and {matching} ({other})" for one in _sides(node.lhs) for other in _sides(node.rhs)]
        if op in _COMPARISONS:
            return [f"({one}) - {matching} ({_text(node.rhs)})" for one in _sides(node.lhs)]
    return [_text(node)]


def _matching(node: promql.BinaryExpr) -> str:
    matching = None if node.modifier is None else node.modifier.matching
    return "" if matching is None else str(matching)


def _nodes(expression: str, kind: type[Any]) -> list[Any]:
    found: list[Any] = []

    def look(node: promql.Expr) -> None:
        if isinstance(node, promql.MatrixSelector):
            node = node.vector_selector
        if isinstance(node, kind):
            found.append(node)

    promql.walk(promql.parse(expression), look)
    return found


def _text(node: promql.Expr) -> str:
    return node.prettify()
