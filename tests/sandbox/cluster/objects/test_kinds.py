"""Kinds and their schema: found by every name they go by."""

from __future__ import annotations

import pytest

from akswi_helpers.sandbox.cluster.tables import schema
from akswi_helpers.sandbox.cluster.tables.kinds import builtin, field, fields, root

CRD = {
    "spec": {
        "group": "x.io",
        "scope": "Namespaced",
        "names": {"plural": "foos", "kind": "Foo"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "ports": {
                                        "type": "array",
                                        "x-kubernetes-list-type": "map",
                                        "x-kubernetes-list-map-keys": ["name"],
                                        "items": {"type": "object"},
                                    }
                                },
                            }
                        },
                    }
                },
            },
            {"name": "v0", "served": False},
        ],
    }
}


def test_kind_is_found_by_plural_and_by_kind() -> None:
    deployment = builtin().by_plural("apps", "v1", "deployments")
    assert deployment is builtin().by_kind("apps", "v1", "Deployment")
    assert deployment is builtin().named("apps/v1", "Deployment")


def test_kind_names_itself_as_the_api_does() -> None:
    deployment, pod = builtin().named("apps/v1", "Deployment"), builtin().named("v1", "Pod")
    assert (deployment.api_version, deployment.group_resource) == ("apps/v1", "deployments.apps")
    assert (pod.api_version, pod.group_resource) == ("v1", "pods")


def test_unknown_kind_is_nothing_or_an_error() -> None:
    assert builtin().by_plural("", "v1", "foos") is None
    with pytest.raises(KeyError):
        builtin().named("v1", "Foo")


def test_subresource_says_what_it_answers() -> None:
    deployment, account = builtin().named("apps/v1", "Deployment"), None
    assert deployment.subresources == ("scale", "status")
    scale = deployment.part("scale")
    assert scale is not None
    assert (scale.group, scale.kind) == ("autoscaling", "Scale")
    account = builtin().named("v1", "ServiceAccount").part("token")
    assert account is not None
    assert account.kind == "TokenRequest"


def test_definition_adds_its_served_versions_only() -> None:
    kinds = builtin().with_definitions([CRD])
    foo = kinds.named("x.io/v1", "Foo")
    assert foo.custom
    assert foo.subresources == ("status",)
    assert kinds.by_kind("x.io", "v0", "Foo") is None
    assert builtin().by_kind("x.io", "v1", "Foo") is None


def test_custom_schema_knows_its_list_keys() -> None:
    foo = builtin().with_definitions([CRD]).named("x.io/v1", "Foo")
    assert schema.follow(root(foo), "spec", "ports")["keys"] == ["name"]
    assert schema.follow(root(foo), "metadata", "finalizers")["list"] == "set"


def test_schema_tells_merge_keys_from_apply_keys() -> None:
    ports = schema.follow(root(builtin().named("v1", "Pod")), "spec", "containers", "ports")
    assert ports["merge"] == "containerPort"
    assert ports["keys"] == ["containerPort", "protocol"]


def test_field_is_found_by_type_name() -> None:
    assert field("io.k8s.api.core.v1.ServicePort", "protocol")["default"] == "TCP"
    assert "selector" in fields("io.k8s.api.apps.v1.DeploymentSpec")
    assert fields("nothing") == {}
