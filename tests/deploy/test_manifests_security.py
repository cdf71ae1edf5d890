"""What may a pod do and know? Restricted PodSecurity, secrets by reference, and dispatchers without a database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.cluster import FOLDER, Manifest, Overlay, Workload, texts
from tests.deploy.dockerfile import stages

SECRET_KINDS = {"secret", "postgres", "amqp", "smtp"}
PASSWORD_IN_URL = re.compile(r"://[^/\s:@]*:[^/\s:@]+@")
DATABASE = re.compile(r"postgres|database|pgsql|psql|\bpg|5432|\bsql|cnpg", re.IGNORECASE)
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def test_the_namespace_enforces_restricted_pods(overlay: Overlay) -> None:
    (namespace,) = overlay.of("Namespace")

    for mode in ("enforce", "audit", "warn"):
        assert namespace["metadata"]["labels"][f"pod-security.kubernetes.io/{mode}"] == "restricted"


def test_every_pod_is_restricted(overlay: Overlay) -> None:
    assert not [fault for one in overlay.workloads() for fault in _unrestricted(one)]


def test_every_container_has_a_read_only_root(overlay: Overlay) -> None:
    for one in overlay.workloads():
        assert all(container["securityContext"].get("readOnlyRootFilesystem") for container in one.containers), one.name


def test_no_pod_has_a_token_or_is_told_where_services_are(overlay: Overlay) -> None:
    for one in overlay.workloads():
        assert one.pod["automountServiceAccountToken"] is False, one.name
        assert one.pod["enableServiceLinks"] is False, one.name


def test_ours_run_as_the_user_that_the_image_has(overlay: Overlay) -> None:
    user, _, group = stages()[-1].the("USER").text.partition(":")

    for one in overlay.ours():
        context = one.pod["securityContext"]
        assert (str(context["runAsUser"]), str(context["runAsGroup"])) == (user, group), one.name


def test_every_container_says_what_it_needs(overlay: Overlay) -> None:
    for one in overlay.workloads():
        for container in one.containers:
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}, one.name
            # Whoever is throttled rings late: no limit of processor time.
            assert set(container["resources"]["limits"]) == {"memory"}, one.name


def test_secrets_are_given_by_reference(overlay: Overlay) -> None:
    for one in overlay.ours():
        given = one.given()
        told = {setting.name for setting in one.settings if setting.kind in SECRET_KINDS} & set(given)
        assert told
        for name in told:
            assert given[name].secret, f"{one.name} is told {name} in plain text"


def test_no_manifest_holds_a_password(overlay: Overlay) -> None:
    manifests = [one for one in overlay.manifests if one["kind"] != "Secret"]

    assert not [text for one in manifests for text in texts(one) if PASSWORD_IN_URL.search(text)]


def test_only_dev_brings_secrets_of_its_own(overlay: Overlay) -> None:
    assert bool(overlay.of("Secret")) == (overlay.name == "dev")


def test_every_secret_is_one_that_somebody_makes(overlay: Overlay) -> None:
    made = {(one["metadata"]["name"], key) for one in overlay.of("Secret") for key in one["data"]}
    made |= {(f"{one['metadata']['name']}-app", "uri") for one in overlay.of("Cluster")}
    made |= {(f"{one['metadata']['name']}-default-user", "connection_string") for one in overlay.of("RabbitmqCluster")}
    made |= {("carillon-api", "registration-token")}  # by whoever installs it

    for one in overlay.workloads():
        needed = {(given.secret, given.key) for given in one.given().values() if given.secret and not given.optional}
        assert needed <= made, one.name


def test_where_strangers_get_in_not_everybody_registers(overlay: Overlay) -> None:
    token = overlay.workload("carillon-api").given()["REGISTRATION_TOKEN"]

    assert (token.secret, token.key) == ("carillon-api", "registration-token")
    assert token.optional == (not overlay.of("Ingress"))


def test_no_dispatcher_manifest_names_the_database(overlay: Overlay) -> None:
    dispatcher = overlay.workload("carillon-dispatcher")
    its_own = [one for one in overlay.manifests if one["metadata"]["name"] == "carillon-dispatcher"]
    sources = [source["configMapRef"]["name"] for source in dispatcher.containers[0]["envFrom"]]
    its_own += [overlay.named("ConfigMap", name) for name in sources]

    assert len(its_own) >= 5
    assert not [text for one in its_own for text in texts(one) if DATABASE.search(text)]
    assert not {"DATABASE_URL", "DATABASE_POOL"} & set(dispatcher.given())


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("dispatcher.*")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_no_file_of_the_dispatchers_names_the_database(path: Path) -> None:
    assert not DATABASE.findall(path.read_text())


def _unrestricted(workload: Workload) -> Iterator[str]:
    """What the restricted profile of PodSecurity would refuse."""
    pod = workload.pod
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(name):
            yield f"{workload.name}: {name}"
    context = pod["securityContext"]
    if context.get("runAsNonRoot") is not True or context.get("runAsUser") == 0:
        yield f"{workload.name}: may be root"
    if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield f"{workload.name}: seccompProfile"
    for volume in pod.get("volumes", []):
        if not set(volume) - {"name"} <= VOLUMES:
            yield f"{workload.name}: volume {volume['name']}"
    for container in workload.containers:
        yield from (f"{workload.name}/{container['name']}: {fault}" for fault in _faults(container))


def _faults(container: Manifest) -> Iterator[str]:
    context = container["securityContext"]
    if context.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    if context.get("capabilities") != {"drop": ["ALL"]}:
        yield "capabilities"
    if context.get("privileged") or context.get("runAsUser") == 0 or context.get("runAsNonRoot") is False:
        yield "privileged, or root"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield "hostPort"
