"""Who reaches whom? The NetworkPolicies are read as a cluster reads them: what none allows is refused."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

import pytest

from shared.domain.egress import DENIED
from tests.deploy.cluster import Labels, Manifest, Overlay, overlay_named, selects

BROKER = {"app.kubernetes.io/name": "carillon-broker"}
DATABASE = {"cnpg.io/cluster": "carillon-database"}
SIX_TO_FOUR = ip_network("2002::/16")  # carries IPv4 addresses: they are judged unwrapped, and here refused altogether

PORTS = {"http": 8080, "probe": 8081}


def pods(overlay: Overlay, name: str) -> Labels:
    """The labels of the pods that this name means; operators label theirs as their documentation says."""
    if name in {"carillon-broker", "carillon-database"} and overlay.name != "dev":
        return BROKER if name == "carillon-broker" else DATABASE
    return overlay.workload(name).labels


@pytest.mark.parametrize("direction", ["Ingress", "Egress"])
def test_what_nobody_allows_is_refused(overlay: Overlay, direction: str) -> None:
    for one in ("carillon-api", "carillon-dispatcher", "carillon-migrate", "carillon-broker", "carillon-database"):
        assert any(
            policy["spec"]["podSelector"] == {} and direction in policy["spec"]["policyTypes"]
            for policy in _policies(overlay, pods(overlay, one))
        )


@pytest.mark.parametrize(
    ("source", "target", "port"),
    [
        ("carillon-api", "carillon-database", 5432),
        ("carillon-api", "carillon-broker", 5672),
        ("carillon-migrate", "carillon-database", 5432),
        ("carillon-dispatcher", "carillon-broker", 5672),
    ],
)
def test_what_must_talk_may(overlay: Overlay, source: str, target: str, port: int) -> None:
    assert _reaches(overlay, pods(overlay, source), pods(overlay, target), port)


@pytest.mark.parametrize(
    ("source", "target", "port"),
    [
        ("carillon-dispatcher", "carillon-database", 5432),
        ("carillon-dispatcher", "carillon-api", 8080),
        ("carillon-dispatcher", "carillon-dispatcher", 8081),
        ("carillon-dispatcher", "carillon-broker", 15672),
        ("carillon-api", "carillon-dispatcher", 8081),
        ("carillon-api", "carillon-broker", 15672),
        ("carillon-migrate", "carillon-broker", 5672),
        ("carillon-broker", "carillon-database", 5432),
        ("carillon-database", "carillon-api", 8080),
    ],
)
def test_what_need_not_talk_may_not(overlay: Overlay, source: str, target: str, port: int) -> None:
    assert not _reaches(overlay, pods(overlay, source), pods(overlay, target), port)


@pytest.mark.parametrize("name", ["carillon-api", "carillon-dispatcher", "carillon-broker", "carillon-database"])
def test_a_stranger_of_this_namespace_is_let_in_nowhere(overlay: Overlay, name: str) -> None:
    rules = _rules(overlay, pods(overlay, name), "ingress")

    assert not [rule for rule in rules if _means(rule, "from", {"app.kubernetes.io/name": "stranger"})]


@pytest.mark.parametrize("name", ["carillon-api", "carillon-dispatcher", "carillon-migrate"])
def test_everyone_of_ours_may_ask_for_names(overlay: Overlay, name: str) -> None:
    (rule,) = [
        rule
        for rule in _rules(overlay, pods(overlay, name), "egress")
        if any("namespaceSelector" in peer for peer in rule.get("to", []))
    ]

    assert rule["to"] == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ]
    assert {(port["protocol"], port["port"]) for port in rule["ports"]} == {("UDP", 53), ("TCP", 53)}


def test_a_dispatcher_reaches_names_the_broker_and_addresses_and_nothing_else(overlay: Overlay) -> None:
    rules = list(_rules(overlay, pods(overlay, "carillon-dispatcher"), "egress"))
    peers = [peer for rule in rules for peer in rule["to"]]  # a rule without `to` would be everywhere

    assert {"ipBlock" in peer or "podSelector" in peer for peer in peers} == {True}
    assert [peer for peer in peers if set(peer) == {"podSelector"}] == [{"podSelector": {"matchLabels": BROKER}}]


def test_a_dispatcher_reaches_the_whole_internet_and_no_other_address(overlay: Overlay) -> None:
    blocks = list(_blocks(overlay, "carillon-dispatcher"))
    denied = [network for network, _ in DENIED]

    assert {str(block) for block, _ in blocks} == {"0.0.0.0/0", "2000::/3"}
    for block, excepted in blocks:
        for network in denied:
            if network.version == block.version and network.overlaps(block):
                assert any(_within(network, one) for one in excepted), f"{network} can be reached"
        for one in excepted:
            assert _within(one, SIX_TO_FOUR) or any(_within(one, network) for network in denied), f"{one} is public"


def test_a_dispatcher_may_call_any_port(overlay: Overlay) -> None:
    for rule in _rules(overlay, pods(overlay, "carillon-dispatcher"), "egress"):
        if any("ipBlock" in peer for peer in rule["to"]):
            assert rule["ports"] == [{"protocol": "TCP"}]


def test_the_api_sends_mail_and_reaches_nothing_else_outside(overlay: Overlay) -> None:
    rules = list(_rules(overlay, pods(overlay, "carillon-api"), "egress"))
    anywhere = [rule for rule in rules if "to" not in rule]

    assert [port["port"] for rule in anywhere for port in rule["ports"]] == [25, 465, 587]
    assert not [peer for rule in rules for peer in rule.get("to", []) if "ipBlock" in peer]


@pytest.mark.parametrize(
    ("name", "namespace", "port"),
    [
        ("carillon-api", "ingress-nginx", 8080),
        ("carillon-api", "monitoring", 8080),
        ("carillon-dispatcher", "monitoring", 8081),
    ],
)
def test_clients_and_prometheus_come_in(serious: Overlay, name: str, namespace: str, port: int) -> None:
    peers = [
        peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for rule in _rules(serious, pods(serious, name), "ingress")
        if _has(rule, port)
        for peer in rule["from"]
    ]

    assert namespace in peers
    assert "ingress-nginx" not in peers or name == "carillon-api"


def test_the_operators_nodes_reach_each_other(serious: Overlay) -> None:
    assert _reaches(serious, BROKER, BROKER, 25672)
    assert _reaches(serious, DATABASE, DATABASE, 5432)


def test_a_policy_means_somebody(overlay: Overlay) -> None:
    known = [one.labels for one in overlay.workloads()] + ([] if overlay.name == "dev" else [BROKER, DATABASE])

    for policy in overlay.of("NetworkPolicy"):
        assert any(selects(policy["spec"]["podSelector"], labels) for labels in known), policy["metadata"]["name"]


def test_dev_labels_its_pods_as_the_operators_do() -> None:
    dev = overlay_named("dev")

    assert selects({"matchLabels": BROKER}, dev.workload("carillon-broker").labels)
    assert selects({"matchLabels": DATABASE}, dev.workload("carillon-database").labels)


def _policies(overlay: Overlay, labels: Labels) -> list[Manifest]:
    return [one for one in overlay.of("NetworkPolicy") if selects(one["spec"]["podSelector"], labels)]


def _rules(overlay: Overlay, labels: Labels, direction: str) -> Iterator[Manifest]:
    for policy in _policies(overlay, labels):
        yield from policy["spec"].get(direction, [])


def _reaches(overlay: Overlay, source: Labels, target: Labels, port: int) -> bool:
    """Does a rule let it out, and one let it in?"""
    out = any(_means(rule, "to", target) and _has(rule, port) for rule in _rules(overlay, source, "egress"))
    into = any(_means(rule, "from", source) and _has(rule, port) for rule in _rules(overlay, target, "ingress"))
    return out and into


def _means(rule: Manifest, side: str, labels: Labels) -> bool:
    peers = rule.get(side)
    if peers is None:
        return True
    return any(set(peer) == {"podSelector"} and selects(peer["podSelector"], labels) for peer in peers)


def _has(rule: Manifest, port: int) -> bool:
    for one in rule.get("ports", [{}]):
        first = one.get("port")
        first = PORTS.get(first, first)
        if one.get("protocol", "TCP") == "TCP" and (first is None or first <= port <= one.get("endPort", first)):
            return True
    return False


def _blocks(overlay: Overlay, name: str) -> Iterator[tuple[IPv4Network | IPv6Network, list[IPv4Network | IPv6Network]]]:
    for rule in _rules(overlay, pods(overlay, name), "egress"):
        for peer in rule["to"]:
            if "ipBlock" in peer:
                block = peer["ipBlock"]
                yield ip_network(block["cidr"]), [ip_network(one) for one in block.get("except", [])]


def _within(inner: IPv4Network | IPv6Network, outer: IPv4Network | IPv6Network) -> bool:
    if isinstance(inner, IPv4Network) and isinstance(outer, IPv4Network):
        return inner.subnet_of(outer)
    return isinstance(inner, IPv6Network) and isinstance(outer, IPv6Network) and inner.subnet_of(outer)
