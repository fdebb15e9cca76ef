"""Refusals: what a real server said about bad objects, and what we say."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from akswi_helpers.sandbox.cluster.rules.validation import (
    FieldError,
    decode_errors,
    invalid_message,
    pruned,
    unknown_fields,
    validate_create,
    validate_update,
)
from akswi_helpers.sandbox.cluster.tables.defaulting import apply_defaults
from akswi_helpers.sandbox.cluster.tables.kinds import Kind, builtin
from tests.sandbox.cluster.objects.vectors import cases

SEEN = "kind differs", "unknown kind", "namespace missing", "fieldValidation"


def known(case: dict[str, Any]) -> bool:
    """Whether the case is about one object of a kind that is validated here."""
    body = case.get("body")
    if case["method"] != "POST" or not isinstance(body, dict) or "/token" in case["path"]:
        return False
    return not case["what"].startswith(SEEN)


def refused(status: int) -> list[dict[str, Any]]:
    return [case for case in cases("refusals") if known(case) and case["status"] == status]


def kind_of(obj: dict[str, Any]) -> Kind:
    return builtin().named(obj["apiVersion"], obj["kind"])


def named(case: dict[str, Any]) -> dict[str, Any]:
    body = copy.deepcopy(case["body"])
    name: str = (case["answer"].get("details") or {}).get("name", "")
    body["metadata"].setdefault("name", name)
    found: dict[str, Any] = body
    return found


def admitted(kind: Kind, body: dict[str, Any]) -> dict[str, Any]:
    """The object with defaults, and the service account that admission gives a pod."""
    stored = apply_defaults(kind, body)
    if kind.kind == "Pod":
        stored["spec"].setdefault("serviceAccountName", "default")
    return stored


@pytest.mark.parametrize("case", refused(422), ids=lambda case: str(case["what"]))
def test_create_is_refused_in_the_real_server_s_words(case: dict[str, Any]) -> None:
    body = named(case)
    kind = kind_of(body)
    errors = validate_create(kind, admitted(kind, body))
    causes = [{"reason": e.reason, "message": e.message, "field": e.field} for e in errors]
    assert causes == case["answer"]["details"]["causes"]
    assert invalid_message(kind, body["metadata"]["name"], errors) == case["answer"]["message"]


@pytest.mark.parametrize(
    "case",
    [c for c in refused(400) if "cannot be handled as" in c["answer"]["message"]],
    ids=lambda case: str(case["what"]),
)
def test_body_that_cannot_be_read_is_refused_in_the_real_server_s_words(
    case: dict[str, Any],
) -> None:
    body = case["body"]
    wrong = decode_errors(kind_of(body), body)
    strange = [f'unknown field "{path}"' for path in unknown_fields(kind_of(body), body)]
    said = wrong[0] if wrong else f"strict decoding error: {', '.join(strange)}"
    assert case["answer"]["message"].endswith(f": {said}")


@pytest.mark.parametrize("case", cases("defaults"), ids=lambda case: str(case["name"]))
def test_what_a_real_server_stored_is_well(case: dict[str, Any]) -> None:
    stored = case["stored"]
    kind = kind_of(stored)
    assert validate_create(kind, stored) == []
    assert validate_update(kind, stored, stored) == []
    assert decode_errors(kind, stored) + unknown_fields(kind, stored) == []


def test_unknown_fields_are_pruned() -> None:
    spec = {"containers": [{"name": "c", "imge": "x"}], "foo": 1}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    kind = kind_of(body)
    assert unknown_fields(kind, body) == ["spec.containers[0].imge", "spec.foo"]
    assert pruned(kind, body)["spec"] == {"containers": [{"name": "c"}]}


CONTAINER = {
    "name": "c",
    "image": "nginx",
    "imagePullPolicy": "Always",
    "terminationMessagePolicy": "File",
}


def mounted(volume: str) -> list[FieldError]:
    kind = builtin().named("v1", "Pod")
    mounts = [{"name": volume, "mountPath": "/a"}]
    spec = {"containers": [{**CONTAINER, "volumeMounts": mounts}]}
    return validate_create(kind, apply_defaults(kind, {"metadata": {"name": "p"}, "spec": spec}))


def test_mount_of_an_unknown_volume_is_not_found() -> None:
    assert [error.sentence() for error in mounted("nope")] == [
        'spec.containers[0].volumeMounts[0].name: Not found: "nope"'
    ]


@pytest.mark.parametrize(
    ("api_version", "kind", "old", "change", "sentence"),
    [
        (
            "v1",
            "Secret",
            {"immutable": True, "data": {"a": "YQ=="}, "type": "Opaque"},
            {"data": {"a": "eA=="}},
            "data: Forbidden: field is immutable when `immutable` is set",
        ),
        (
            "v1",
            "ConfigMap",
            {"immutable": True, "data": {"a": "1"}},
            {"immutable": None},
            "immutable: Forbidden: field is immutable when `immutable` is set",
        ),
        (
            "v1",
            "Secret",
            {"type": "Opaque"},
            {"type": "x/y"},
            'type: Invalid value: "x/y": field is immutable',
        ),
        (
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "a"}},
            {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "b"}},
            'roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"Role",'
            '"Name":"b"}: field is immutable',
        ),
    ],
    ids=["secret data", "config map", "secret type", "role"],
)
def test_update_of_what_is_fixed_is_refused(
    api_version: str, kind: str, old: dict[str, Any], change: dict[str, Any], sentence: str
) -> None:
    before = {"metadata": {"name": "x"}, **old}
    errors = validate_update(builtin().named(api_version, kind), {**before, **change}, before)
    assert [error.sentence() for error in errors] == [sentence]


def deployment(**spec: Any) -> dict[str, Any]:
    labels = {"a": "b", "c": "d"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [CONTAINER]}}
    whole = {"selector": {"matchLabels": {"a": "b"}}, "template": template, **spec}
    kind = builtin().named("apps/v1", "Deployment")
    return apply_defaults(kind, {"metadata": {"name": "real"}, "spec": whole})


def test_update_of_a_selector_is_refused() -> None:
    kind = builtin().named("apps/v1", "Deployment")
    new = deployment(selector={"matchLabels": {"a": "b", "c": "d"}})
    errors = validate_update(kind, new, deployment())
    assert invalid_message(kind, "real", errors) == (
        'Deployment.apps "real" is invalid: spec.selector: Invalid value: '
        '{"matchLabels":{"a":"b","c":"d"}}: field is immutable'
    )


def test_update_of_a_pod_may_change_its_image_only() -> None:
    kind = builtin().named("v1", "Pod")
    old = apply_defaults(kind, {"metadata": {"name": "p"}, "spec": {"containers": [CONTAINER]}})
    image = copy.deepcopy(old)
    image["spec"]["containers"][0]["image"] = "nginx:2"
    args = copy.deepcopy(old)
    args["spec"]["containers"][0]["args"] = ["x"]
    assert validate_update(kind, image, old) == []
    assert "pod updates may not change fields" in validate_update(kind, args, old)[0].message


def test_update_of_a_cluster_address_is_refused() -> None:
    kind = builtin().named("v1", "Service")
    spec = {"ports": [{"port": 80}], "clusterIP": "10.0.0.9", "clusterIPs": ["10.0.0.9"]}
    old = apply_defaults(kind, {"metadata": {"name": "real"}, "spec": spec})
    new = copy.deepcopy(old)
    new["spec"]["clusterIP"] = "10.0.0.77"
    sentences = [error.sentence() for error in validate_update(kind, new, old)]
    assert sentences == [
        'spec.clusterIPs[0]: Invalid value: ["10.0.0.77"]: may not change once set'
    ]


def test_new_finalizer_is_refused_while_the_object_goes() -> None:
    kind = builtin().named("v1", "ConfigMap")
    old = {"metadata": {"name": "c", "deletionTimestamp": "2026-11-24T12:00:00Z"}}
    new = {"metadata": {**old["metadata"], "finalizers": ["x.io/a"]}}
    assert validate_update(kind, new, old)[0].reason == "FieldValueForbidden"


def test_status_with_impossible_numbers_is_refused() -> None:
    kind = builtin().named("apps/v1", "Deployment")
    new = {**deployment(), "status": {"replicas": -1}}
    sentences = [error.sentence() for error in validate_update(kind, new, deployment())]
    assert sentences == [
        "status.replicas: Invalid value: -1: must be greater than or equal to 0",
        "status.updatedReplicas: Invalid value: 0: cannot be greater than status.replicas",
        "status.readyReplicas: Invalid value: 0: cannot be greater than status.replicas",
        "status.availableReplicas: Invalid value: 0: cannot be greater than status.replicas",
    ]
