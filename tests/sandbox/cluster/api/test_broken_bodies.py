"""Whatever a body holds, the API answers in its own words: no body makes the sandbox fail."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest

from akswi_helpers.types import Json
from tests.sandbox.cluster.api.conftest import Client

ODD: list[Any] = [
    None,
    "",
    0,
    -1,
    True,
    "x",
    1.5,
    "9" * 30,
    {"a": None},
    [None],
    ["a"],
    [{}],
    {},
    [],
]
CONTAINER: Json = {
    "name": "c",
    "image": "nginx",
    "env": [{"name": "A", "value": "1"}],
    "ports": [{"containerPort": 80}],
    "volumeMounts": [{"name": "v", "mountPath": "/a"}],
    "resources": {"limits": {"cpu": "1"}},
}
SPEC: Json = {
    "containers": [CONTAINER],
    "volumes": [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}],
    "tolerations": [{"key": "a", "operator": "Exists"}],
}
BODIES: dict[str, Json] = {
    "/api/v1/namespaces/default/pods": {"metadata": {"name": "p"}, "spec": SPEC},
    "/apis/apps/v1/namespaces/default/deployments": {
        "metadata": {"name": "d", "labels": {"a": "b"}},
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": SPEC},
        },
    },
    "/api/v1/namespaces/default/services": {
        "metadata": {"name": "s"},
        "spec": {"type": "NodePort", "clusterIP": "10.0.9.9", "ports": [{"port": 80}]},
    },
    "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings": {
        "metadata": {"name": "r"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "view",
        },
        "subjects": [{"kind": "ServiceAccount", "name": "x", "namespace": "y"}],
    },
    "/api/v1/namespaces/default/serviceaccounts/default/token": {
        "spec": {"audiences": ["x"], "expirationSeconds": 600, "boundObjectRef": {"kind": "Pod"}}
    },
}


@pytest.mark.parametrize("path", BODIES)
def test_odd_values_are_refused_and_never_a_fault(admin: Client, path: str) -> None:
    chance = random.Random(path)
    for _ in range(30):
        body = _with_odd_value(chance, BODIES[path])
        answer = admin("POST", f"{path}?dryRun=All", body)
        fault = "Internal error occurred: the sandbox failed"
        assert not str(answer.body.get("message", "")).startswith(fault), body


def _with_odd_value(chance: random.Random, body: Json) -> Json:
    changed = copy.deepcopy(body)
    *steps, last = chance.choice(list(_places(changed)))
    at: Any = changed
    for step in steps:
        at = at[step]
    at[last] = copy.deepcopy(chance.choice(ODD))
    return changed


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places(inner, (*path, index))
