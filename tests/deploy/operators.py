"""The kinds that operators bring, as far as we use them: each field with the type that its operator expects.

What is not written here is not in our manifests: a field that an operator does not know is dropped without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

# A type; a pattern that a text must match; a list of one shape; a set of words; or fields. "…" are fields of any name.
Shape: TypeAlias = "type | re.Pattern[str] | list[Shape] | frozenset[str] | dict[str, Shape]"

QUANTITY: Final = re.compile(r"\d+(\.\d+)?(m|[KMGT]i?)?")
DURATION: Final = re.compile(r"\d+(ms|s|m|h)")
ANY_NAME: Final = "…"

_RESOURCES: Final[dict[str, Shape]] = {
    "requests": {"cpu": QUANTITY, "memory": QUANTITY},
    "limits": {"cpu": QUANTITY, "memory": QUANTITY},
}
_SELECTOR: Final[dict[str, Shape]] = {"matchLabels": {ANY_NAME: str}}
_BEHAVIOUR: Final[dict[str, Shape]] = {
    "stabilizationWindowSeconds": int,
    "policies": [{"type": frozenset({"Pods", "Percent"}), "value": int, "periodSeconds": int}],
}

FIELDS: Final[dict[tuple[str, str], dict[str, Shape]]] = {
    ("rabbitmq.com/v1beta1", "RabbitmqCluster"): {
        "replicas": int,
        "persistence": {"storage": QUANTITY, "storageClassName": str},
        "resources": _RESOURCES,
        "rabbitmq": {"additionalConfig": str, "additionalPlugins": [str]},
        "affinity": {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": str, "labelSelector": _SELECTOR}]
            }
        },
    },
    ("postgresql.cnpg.io/v1", "Cluster"): {
        "instances": int,
        "bootstrap": {"initdb": {"database": str, "owner": str}},
        "postgresql": {
            "synchronous": {"method": frozenset({"any", "first"}), "number": int},
            "parameters": {ANY_NAME: str},
        },
        "storage": {"size": QUANTITY, "storageClass": str},
        "resources": _RESOURCES,
        "affinity": {
            "enablePodAntiAffinity": bool,
            "podAntiAffinityType": frozenset({"preferred", "required"}),
            "topologyKey": str,
        },
    },
    ("keda.sh/v1alpha1", "ScaledObject"): {
        "scaleTargetRef": {"apiVersion": str, "kind": str, "name": str},
        "pollingInterval": int,
        "minReplicaCount": int,
        "maxReplicaCount": int,
        "fallback": {
            "failureThreshold": int,
            "replicas": int,
            "behavior": frozenset({"static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"}),
        },
        # Everything that a trigger is told is text.
        "triggers": [
            {
                "type": frozenset({"prometheus", "cpu"}),
                "metricType": frozenset({"AverageValue", "Utilization", "Value"}),
                "metadata": {ANY_NAME: str},
            }
        ],
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": {"scaleUp": _BEHAVIOUR, "scaleDown": _BEHAVIOUR}}},
    },
    ("monitoring.coreos.com/v1", "PodMonitor"): {
        "selector": _SELECTOR,
        "podMetricsEndpoints": [{"port": str, "path": str, "interval": DURATION}],
    },
    ("monitoring.coreos.com/v1", "PrometheusRule"): {
        "groups": [
            {
                "name": str,
                "interval": DURATION,
                "rules": [
                    {
                        "alert": str,
                        "record": str,
                        "expr": str,
                        "for": DURATION,
                        "labels": {ANY_NAME: str},
                        "annotations": {ANY_NAME: str},
                    }
                ],
            }
        ]
    },
}


def faults(value: Any, shape: Shape, path: str) -> Iterator[str]:
    """What is wrong with the value, each with its place."""
    if isinstance(shape, dict):
        yield from _faults_in_fields(value, shape, path)
    elif isinstance(shape, list):
        if not isinstance(value, list) or not value:
            yield f"{path} should be a list that is not empty, and is {value!r}"
            return
        for number, one in enumerate(value):
            yield from faults(one, shape[0], f"{path}[{number}]")
    elif isinstance(shape, re.Pattern):
        if not isinstance(value, str) or not shape.fullmatch(value):
            yield f"{path} should match {shape.pattern}, and is {value!r}"
    elif isinstance(shape, frozenset):
        if value not in shape:
            yield f"{path} should be one of {sorted(shape)}, and is {value!r}"
    elif type(value) is not shape:
        yield f"{path} should be {shape.__name__}, and is {value!r}"


def _faults_in_fields(value: Any, shape: dict[str, Shape], path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path} should have fields, and is {value!r}"
        return
    for name, below in value.items():
        known = shape.get(name, shape.get(ANY_NAME))
        if known is None:
            yield f"{path}.{name} is not among the fields that this operator knows"
        else:
            yield from faults(below, known, f"{path}.{name}")
