"""The path grammar alone."""

from __future__ import annotations

import pytest

from akswi_helpers.sandbox.cluster.api.paths import Target, read

_GROUP = "/apis/apps/v1"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/v1/nodes", ("", "", "nodes", "", "")),
        ("/api/v1/nodes/n/status", ("", "", "nodes", "n", "status")),
        ("/api/v1/namespaces", ("", "", "namespaces", "", "")),
        ("/api/v1/namespaces/a", ("", "a", "namespaces", "a", "")),
        ("/api/v1/namespaces/a/finalize", ("", "a", "namespaces", "a", "finalize")),
        ("/api/v1/namespaces/a/pods", ("", "a", "pods", "", "")),
        ("/api/v1/namespaces/a/pods/p/log", ("", "a", "pods", "p", "log")),
        (f"{_GROUP}/namespaces/a/deployments/d/scale", ("apps", "a", "deployments", "d", "scale")),
        (f"{_GROUP}/deployments", ("apps", "", "deployments", "", "")),
    ],
)
def test_path_names_its_parts(path: str, expected: tuple[str, ...]) -> None:
    found = read(path)
    parts = (found.group, found.namespace, found.plural, found.name, found.subresource)
    assert parts == expected


@pytest.mark.parametrize("path", ["/", "/version", "/openapi/v3/api/v1", "/api", "/apis/apps"])
def test_path_without_a_resource_is_none(path: str) -> None:
    assert read(path) == Target(path)


@pytest.mark.parametrize(
    ("method", "path", "watching", "verb"),
    [
        ("GET", "/api/v1/pods", False, "list"),
        ("GET", "/api/v1/pods", True, "watch"),
        ("GET", "/api/v1/nodes/n", False, "get"),
        ("DELETE", "/api/v1/nodes", False, "deletecollection"),
        ("DELETE", "/api/v1/nodes/n", False, "delete"),
        ("PUT", "/api/v1/nodes/n", False, "update"),
    ],
)
def test_verb_follows_method_and_path(method: str, path: str, watching: bool, verb: str) -> None:
    assert read(path).verb(method, watching=watching) == verb
