"""How many are there? What scales has one who scales it, by figures that exist; evictions have a bound."""

from __future__ import annotations

import re
from typing import Any

import promql_parser
import pytest

from dispatcher_service.app import Dispatcher
from shared.bus.local import LocalBroker, LocalBus
from shared.clock import SystemClock
from shared.settings import DispatcherSettings
from tests.deploy.cluster import Manifest, Overlay, overlay_named, selects

SCALED = ("carillon-api", "carillon-dispatcher")


def test_in_dev_somebody_has_counted_them() -> None:
    dev = overlay_named("dev")

    assert {name: dev.workload(name).manifest["spec"]["replicas"] for name in SCALED} == {
        "carillon-api": 2,
        "carillon-dispatcher": 3,
    }
    assert not dev.of("HorizontalPodAutoscaler", "ScaledObject")


def test_whoever_scales_has_a_target_and_every_target_one_who_scales(serious: Overlay) -> None:
    targets = [one["spec"]["scaleTargetRef"] for one in serious.of("HorizontalPodAutoscaler", "ScaledObject")]

    assert sorted(target["name"] for target in targets) == sorted(SCALED)
    for target in targets:
        deployment = serious.named(target["kind"], target["name"])
        assert deployment["apiVersion"] == target["apiVersion"]
        # A number here would undo at every update what the autoscaler has found.
        assert "replicas" not in deployment["spec"]


def test_keda_stands_in_the_place_of_one_autoscaler(serious: Overlay) -> None:
    kind = "ScaledObject" if serious.name == "keda" else "HorizontalPodAutoscaler"

    assert serious.has(kind, "carillon-dispatcher")
    assert serious.has("HorizontalPodAutoscaler", "carillon-api")


@pytest.mark.parametrize("name", SCALED)
def test_there_are_always_enough_to_lose_one(serious: Overlay, name: str) -> None:
    least, most = _bounds(_scaler(serious, name))

    assert 2 <= least < most


def test_every_dispatcher_has_shards_enough_to_share_fairly(serious: Overlay) -> None:
    """Four at the least, as the manual has it."""
    dispatcher = serious.workload("carillon-dispatcher")

    _, most = _bounds(_scaler(serious, "carillon-dispatcher"))
    assert most * 4 <= int(dispatcher.values()["SHARDS"])


def test_dispatchers_go_one_by_one(serious: Overlay) -> None:
    down = _behaviour(_scaler(serious, "carillon-dispatcher"))["scaleDown"]

    assert down["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 120}]
    assert down["stabilizationWindowSeconds"] >= 300


def test_dispatchers_are_scaled_by_figures_of_their_own(serious: Overlay) -> None:
    asked = _metrics(_scaler(serious, "carillon-dispatcher"))
    given = _given_by(serious)

    assert len(asked) >= 2
    assert asked <= given


def test_they_come_before_there_is_no_place_left(serious: Overlay) -> None:
    places = int(serious.workload("carillon-dispatcher").values()["RINGS_IN_FLIGHT"])
    scaler = _scaler(serious, "carillon-dispatcher")
    targets = {
        **{one["pods"]["metric"]["name"]: one["pods"]["target"]["averageValue"] for one in _of_pods(scaler)},
        **{one["metadata"]["query"]: one["metadata"]["threshold"] for one in _of_prometheus(scaler)},
    }

    (under_way,) = [int(target) for name, target in targets.items() if "carillon_rings_under_way" in name]
    assert under_way <= places / 2


def test_kedas_queries_are_queries_of_this_namespace() -> None:
    keda = overlay_named("keda")
    (namespace,) = keda.of("Namespace")
    triggers = _of_prometheus(keda.named("ScaledObject", "carillon-dispatcher"))

    assert triggers
    for trigger in triggers:
        promql_parser.parse(trigger["metadata"]["query"])
        assert f'namespace="{namespace["metadata"]["name"]}"' in trigger["metadata"]["query"]
        assert float(trigger["metadata"]["threshold"]) > 0


def test_what_is_evicted_is_evicted_one_by_one(overlay: Overlay) -> None:
    broker = {"app.kubernetes.io/name": "carillon-broker"}
    known = {one.name: one.labels for one in overlay.workloads()}
    if overlay.of("RabbitmqCluster"):
        known["carillon-broker"] = broker
    bounded = set()
    for budget in overlay.of("PodDisruptionBudget"):
        chosen = {name for name, labels in known.items() if selects(budget["spec"]["selector"], labels)}
        assert len(chosen) == 1, budget["metadata"]["name"]
        # A number that must stay would keep a node from ever being emptied where there is only one.
        assert budget["spec"]["maxUnavailable"] == 1
        bounded |= chosen

    assert bounded == {*SCALED} | ({"carillon-broker"} if overlay.of("RabbitmqCluster") else set())


def _scaler(overlay: Overlay, name: str) -> Manifest:
    (found,) = [
        one
        for one in overlay.of("HorizontalPodAutoscaler", "ScaledObject")
        if one["spec"]["scaleTargetRef"]["name"] == name
    ]
    return found


def _bounds(scaler: Manifest) -> tuple[int, int]:
    spec = scaler["spec"]
    if scaler["kind"] == "ScaledObject":
        return spec["minReplicaCount"], spec["maxReplicaCount"]
    return spec["minReplicas"], spec["maxReplicas"]


def _behaviour(scaler: Manifest) -> dict[str, Any]:
    spec = scaler["spec"]
    if scaler["kind"] == "ScaledObject":
        spec = spec["advanced"]["horizontalPodAutoscalerConfig"]
    return dict(spec["behavior"])


def _of_pods(scaler: Manifest) -> list[Manifest]:
    return [one for one in scaler["spec"].get("metrics", []) if one["type"] == "Pods"]


def _of_prometheus(scaler: Manifest) -> list[Manifest]:
    return [one for one in scaler["spec"].get("triggers", []) if one["type"] == "prometheus"]


def _metrics(scaler: Manifest) -> set[str]:
    queries = " ".join(trigger["metadata"]["query"] for trigger in _of_prometheus(scaler))
    return {one["pods"]["metric"]["name"] for one in _of_pods(scaler)} | set(re.findall(r"carillon_\w+", queries))


def _given_by(overlay: Overlay) -> set[str]:
    settings = DispatcherSettings.of(overlay.workload("carillon-dispatcher").values())
    dispatcher = Dispatcher(settings, bus=LocalBus(LocalBroker()), clock=SystemClock())
    return set(re.findall(r"^(carillon_\w+)", dispatcher.metrics.text().decode(), re.MULTILINE))
