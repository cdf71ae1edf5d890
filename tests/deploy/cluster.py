"""What an overlay consists of, read as a cluster reads it: workloads, their environments, and what selects them."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Self, TypeAlias

from shared.setting import Setting
from shared.settings import API_SETTINGS, DISPATCHER_SETTINGS
from tests.deploy.kustomize import ROOT, render

Manifest: TypeAlias = dict[str, Any]
Labels: TypeAlias = Mapping[str, str]

FOLDER: Final = ROOT / "deploy" / "kubernetes"
OVERLAYS: Final = ("dev", "production", "keda")
SETTINGS: Final = {"api_service": API_SETTINGS, "dispatcher_service": DISPATCHER_SETTINGS}
KINDS_WITH_PODS: Final = ("Deployment", "StatefulSet", "Job")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Where a variable's value comes from: a text, or a reference to a Secret or to the pod itself."""

    text: str | None = None
    secret: str = ""
    key: str = ""
    optional: bool = False
    field: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Something that makes pods."""

    overlay: Overlay
    manifest: Manifest

    @property
    def name(self) -> str:
        return str(self.manifest["metadata"]["name"])

    @property
    def template(self) -> Manifest:
        return dict(self.manifest["spec"]["template"])

    @property
    def labels(self) -> dict[str, str]:
        """Those of its pods."""
        return dict(self.template["metadata"]["labels"])

    @property
    def pod(self) -> Manifest:
        return dict(self.template["spec"])

    @property
    def containers(self) -> list[Manifest]:
        return [*self.pod.get("initContainers", []), *self.pod["containers"]]

    @property
    def service(self) -> str:
        """The module that its pods run; empty where they are not ours."""
        command = self.containers[0].get("command", [])
        return str(command[2]) if command[:2] == ["python", "-m"] else ""

    @property
    def settings(self) -> tuple[Setting, ...]:
        return SETTINGS[self.service]

    def port(self, wanted: str | int) -> int:
        """The number of a port that may be named."""
        named = {port["name"]: int(port["containerPort"]) for one in self.containers for port in one.get("ports", [])}
        return wanted if isinstance(wanted, int) else named[wanted]

    def given(self) -> dict[str, Given]:
        """Every variable of its first container; what stands in `env` goes before what a ConfigMap says."""
        container = self.containers[0]
        found: dict[str, Given] = {}
        for source in container.get("envFrom", []):
            data = self.overlay.named("ConfigMap", source["configMapRef"]["name"])["data"]
            found |= {name: Given(text=text) for name, text in data.items()}
        return found | {one["name"]: _given(one) for one in container.get("env", [])}

    def values(self) -> dict[str, str]:
        """The environment as a process finds it; where an overlay leaves a Secret to others, with a stand-in."""
        found = {}
        for name, given in self.given().items():
            if given.text is not None:
                found[name] = given.text
            elif given.field:
                found[name] = f"{self.name}-0"
            elif (secret := self.overlay.secret(given.secret, given.key)) is not None:
                found[name] = secret
            elif not given.optional:
                scheme = "amqp" if name == "AMQP_URL" else "postgresql"
                found[name] = f"{scheme}://user:secret@host.invalid/name"
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """What one overlay renders to."""

    name: str
    manifests: tuple[Manifest, ...]

    @classmethod
    def rendered(cls, name: str) -> Self:
        """The overlay of this name, as `kubectl apply -k` would send it."""
        return cls(name=name, manifests=tuple(render(FOLDER / "overlays" / name)))

    def of(self, *kinds: str) -> list[Manifest]:
        return [one for one in self.manifests if one["kind"] in kinds]

    def has(self, kind: str, name: str) -> bool:
        return any(one["metadata"]["name"] == name for one in self.of(kind))

    def named(self, kind: str, name: str) -> Manifest:
        found = [one for one in self.of(kind) if one["metadata"]["name"] == name]
        assert len(found) == 1, f"there is no {kind} {name}"
        return found[0]

    def workloads(self) -> list[Workload]:
        return [Workload(overlay=self, manifest=one) for one in self.of(*KINDS_WITH_PODS)]

    def ours(self, service: str = "") -> list[Workload]:
        """Workloads that run the product, or one service of it."""
        return [one for one in self.workloads() if one.service and service in {"", one.service}]

    def workload(self, name: str) -> Workload:
        (found,) = [one for one in self.workloads() if one.name == name]
        return found

    def secret(self, name: str, key: str) -> str | None:
        """What a Secret holds that the overlay itself brings."""
        if not self.has("Secret", name):
            return None
        return base64.b64decode(self.named("Secret", name)["data"][key]).decode()


@cache
def overlay_named(name: str) -> Overlay:
    """The overlay, rendered once."""
    return Overlay.rendered(name)


def selects(selector: Manifest, labels: Labels) -> bool:
    """Does a label selector mean a pod with these labels? An empty one means every pod."""
    equal = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    return equal and all(_holds(one, labels) for one in selector.get("matchExpressions", []))


def texts(value: Any) -> Iterator[str]:
    """Every key and every text in a manifest."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield str(key)
            yield from texts(below)
    elif isinstance(value, list):
        for below in value:
            yield from texts(below)
    else:
        yield str(value)


def _holds(expression: Manifest, labels: Labels) -> bool:
    assert expression["operator"] == "In", f"these tests do not know {expression['operator']} yet"
    return labels.get(expression["key"]) in expression["values"]


def _given(variable: Manifest) -> Given:
    if "value" in variable:
        return Given(text=variable["value"])
    source = variable["valueFrom"]
    if "fieldRef" in source:
        return Given(field=source["fieldRef"]["fieldPath"])
    reference = source["secretKeyRef"]
    return Given(secret=reference["name"], key=reference["key"], optional=reference.get("optional", False))
