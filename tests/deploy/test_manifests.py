"""Is it what a cluster takes? Every manifest against the schemas of Kubernetes and of the operators it is for."""

from __future__ import annotations

from collections import Counter

import kubernetes_validate
import yaml

from shared.version import VERSION
from tests.deploy.cluster import FOLDER, OVERLAYS, Overlay, selects
from tests.deploy.kustomize import ROOT
from tests.deploy.operators import FIELDS, faults

OLDEST = "1.30"  # the first that can wait before SIGTERM without a program in the image
NEWEST = kubernetes_validate.latest_version()


def test_every_overlay_is_looked_at() -> None:
    assert {path.name for path in (FOLDER / "overlays").iterdir()} == set(OVERLAYS)


def test_it_renders_and_nothing_is_there_twice(overlay: Overlay) -> None:
    names = Counter((one["kind"], one["metadata"]["name"]) for one in overlay.manifests)

    assert {("Deployment", "carillon-api"), ("Deployment", "carillon-dispatcher"), ("Job", "carillon-migrate")} < set(
        names
    )
    assert not [name for name, times in names.items() if times > 1]


def test_kubernetes_old_and_new_knows_every_field(overlay: Overlay) -> None:
    own = [one for one in overlay.manifests if (one["apiVersion"], one["kind"]) not in FIELDS]

    assert len(own) > 15
    for version in (OLDEST, NEWEST):
        for manifest in own:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_the_operators_know_every_field(overlay: Overlay) -> None:
    found: list[str] = []
    for one in overlay.manifests:
        if (shape := FIELDS.get((one["apiVersion"], one["kind"]))) is not None:
            assert set(one) == {"apiVersion", "kind", "metadata", "spec"}
            found += faults(one["spec"], shape, f"{one['kind']} {one['metadata']['name']}: spec")

    assert not found


def test_dev_needs_no_operator() -> None:
    dev = Overlay.rendered("dev")

    assert not [one["kind"] for one in dev.manifests if (one["apiVersion"], one["kind"]) in FIELDS]
    assert {one.name for one in dev.workloads()} > {"carillon-database", "carillon-broker"}


def test_broker_and_database_outlive_a_machine(serious: Overlay) -> None:
    broker = serious.named("RabbitmqCluster", "carillon-broker")["spec"]
    database = serious.named("Cluster", "carillon-database")["spec"]

    assert (broker["replicas"], database["instances"]) == (3, 3)
    assert database["postgresql"]["synchronous"] == {"method": "any", "number": 1}
    assert "pause_minority" in broker["rabbitmq"]["additionalConfig"]
    for spread in (
        broker["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][0]["topologyKey"],
        database["affinity"]["topologyKey"],
    ):
        assert spread == "kubernetes.io/hostname"


def test_everything_is_in_one_namespace(overlay: Overlay) -> None:
    (namespace,) = overlay.of("Namespace")

    places = {one["metadata"].get("namespace") for one in overlay.manifests if one is not namespace}
    assert places == {namespace["metadata"]["name"]}


def test_all_that_is_ours_is_one_image(overlay: Overlay) -> None:
    images = {container["image"] for one in overlay.ours() for container in one.containers}

    (image,) = images
    assert image.rpartition("/")[2] == ("carillon:dev" if overlay.name == "dev" else f"carillon:{VERSION}")


def test_every_image_has_a_version(overlay: Overlay) -> None:
    for one in overlay.workloads():
        for container in one.containers:
            tag = container["image"].rpartition("/")[2].partition(":")[2]
            assert tag not in {"", "latest"}, f"{one.name}: {container['image']}"


def test_dev_has_the_servers_that_compose_has() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]
    dev = Overlay.rendered("dev")

    for name, server in (("carillon-database", "postgres"), ("carillon-broker", "rabbitmq")):
        assert dev.workload(name).containers[0]["image"] == services[server]["image"]


def test_selectors_mean_the_pods_of_their_own_and_no_others(overlay: Overlay) -> None:
    for one in overlay.workloads():
        if (selector := one.manifest["spec"].get("selector")) is not None:
            chosen = [other.name for other in overlay.workloads() if selects(selector, other.labels)]
            assert chosen == [one.name]
        for spread in one.pod.get("topologySpreadConstraints", []):
            assert selects(spread["labelSelector"], one.labels)


def test_a_service_leads_to_pods_that_listen(overlay: Overlay) -> None:
    for service in overlay.of("Service"):
        pods = [one for one in overlay.workloads() if selects({"matchLabels": service["spec"]["selector"]}, one.labels)]
        assert len(pods) == 1, service["metadata"]["name"]
        for port in service["spec"]["ports"]:
            assert pods[0].port(port["targetPort"]) > 0


def test_what_is_spread_is_spread_over_zones_and_machines(overlay: Overlay) -> None:
    for name in ("carillon-api", "carillon-dispatcher"):
        spread = overlay.workload(name).pod["topologySpreadConstraints"]
        assert {one["topologyKey"] for one in spread} == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
        # A rollout's old pods count for nothing; and no pod waits for a machine that there is not.
        assert all(one["matchLabelKeys"] == ["pod-template-hash"] for one in spread)
        assert {one["whenUnsatisfiable"] for one in spread} == {"ScheduleAnyway"}


def test_production_has_the_alerts_and_the_dashboard_as_they_are_in_their_files(serious: Overlay) -> None:
    alerts = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text())
    dashboard = (ROOT / "deploy" / "grafana" / "carillon.json").read_text()

    rule = serious.named("PrometheusRule", "carillon")["spec"]
    assert rule == alerts, "overlays/production/alerts.yaml says in its first lines how it is written anew"
    assert serious.named("ConfigMap", "carillon-dashboard")["data"] == {"carillon.json": dashboard}


def test_scrapes_go_to_ports_that_exist(serious: Overlay) -> None:
    found = set()
    for monitor in serious.of("PodMonitor"):
        for one in serious.ours():
            if selects(monitor["spec"]["selector"], one.labels):
                found.add(one.name)
                (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
                assert endpoint["path"] == "/metrics"
                assert one.port(endpoint["port"])

    assert found == {"carillon-api", "carillon-dispatcher"}
