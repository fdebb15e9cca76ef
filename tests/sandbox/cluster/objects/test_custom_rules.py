"""Custom resources: checked by their definition's schema, in a real server's words."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from akswi_helpers.sandbox.cluster.rules.validation import (
    decode_errors,
    pruned,
    unknown_fields,
    validate_create,
)
from akswi_helpers.sandbox.cluster.tables.defaulting import apply_defaults
from akswi_helpers.sandbox.cluster.tables.kinds import Kind, builtin

SPEC: dict[str, Any] = {
    "type": "object",
    "required": ["size"],
    "properties": {
        "size": {"type": "integer", "minimum": 1, "maximum": 5},
        "mode": {"type": "string", "enum": ["a", "b"]},
        "name": {"type": "string", "pattern": "^x", "minLength": 2, "maxLength": 4},
        "list": {
            "type": "array",
            "minItems": 1,
            "maxItems": 2,
            "items": {
                "type": "object",
                "required": ["k"],
                "properties": {"k": {"type": "string"}, "v": {"type": "number"}},
            },
        },
        "m": {"type": "object", "additionalProperties": {"type": "string"}},
        "any": {"x-kubernetes-preserve-unknown-fields": True},
        "port": {"x-kubernetes-int-or-string": True},
        "d": {"type": "string", "default": "z"},
        "nu": {"type": "string", "nullable": True},
        "set": {
            "type": "array",
            "x-kubernetes-list-type": "set",
            "items": {"type": "string"},
        },
    },
}
ROOT = {"type": "object", "required": ["spec"], "properties": {"spec": SPEC}}
CRD: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "bars.y.io"},
    "spec": {
        "group": "y.io",
        "scope": "Namespaced",
        "names": {"plural": "bars", "kind": "Bar"},
        "versions": [
            {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": ROOT}}
        ],
    },
}
DEFINITION = builtin().named("apiextensions.k8s.io/v1", "CustomResourceDefinition")


def bar() -> Kind:
    return builtin().with_definitions([CRD]).named("y.io/v1", "Bar")


def obj(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "y.io/v1", "kind": "Bar", "metadata": {"name": "b"}, "spec": spec}


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({}, "spec.size: Required value"),
        (
            {"size": "x"},
            'spec.size: Invalid value: "string": spec.size in body must be of type integer: '
            '"string"',
        ),
        (
            {"size": 0},
            "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1",
        ),
        (
            {"size": 9},
            "spec.size: Invalid value: 9: spec.size in body should be less than or equal to 5",
        ),
        (
            {"size": 1, "mode": "c"},
            'spec.mode: Unsupported value: "c": supported values: "a", "b"',
        ),
        (
            {"size": 1, "name": "ab"},
            "spec.name: Invalid value: \"ab\": spec.name in body should match '^x'",
        ),
        (
            {"size": 1, "name": "x"},
            'spec.name: Invalid value: "x": spec.name in body should be at least 2 chars long',
        ),
        ({"size": 1, "name": "xabcdef"}, "spec.name: Too long: may not be more than 4 bytes"),
        (
            {"size": 1, "list": []},
            "spec.list: Invalid value: 0: spec.list in body should have at least 1 items",
        ),
        (
            {"size": 1, "list": [{"k": "a"}] * 3},
            "spec.list: Too many: 3: must have at most 2 items",
        ),
        ({"size": 1, "list": [{}]}, "spec.list[0].k: Required value"),
        (
            {"size": 1, "m": {"a": 1}},
            'spec.m.a: Invalid value: "integer": spec.m.a in body must be of type string: '
            '"integer"',
        ),
        (
            {"size": 1, "port": 1.5},
            'spec.port: Invalid value: "number": spec.port in body must be of type '
            'integer,string: "number"',
        ),
        ({"size": 1, "set": ["a", "a"]}, 'spec.set[1]: Duplicate value: "a"'),
    ],
    ids=str,
)
def test_custom_object_is_refused_in_the_real_server_s_words(
    spec: dict[str, Any], sentence: str
) -> None:
    errors = validate_create(bar(), apply_defaults(bar(), obj(**spec)))
    assert [error.sentence() for error in errors] == [sentence]


def test_custom_object_keeps_what_its_schema_leaves_open() -> None:
    sent = obj(size=1, any={"x": [1]}, port="http", nu=None, mode=None)
    stored = apply_defaults(bar(), pruned(bar(), sent))
    assert stored["spec"] == {"size": 1, "any": {"x": [1]}, "port": "http", "nu": None, "d": "z"}
    assert validate_create(bar(), stored) == []


def test_custom_object_loses_unknown_fields() -> None:
    sent = obj(size=1, foo=1, list=[{"k": "a", "z": 1}])
    assert unknown_fields(bar(), sent) == ["spec.foo", "spec.list[0].z"]
    assert pruned(bar(), sent)["spec"] == {"size": 1, "list": [{"k": "a"}]}


def test_custom_object_with_unreadable_metadata_is_refused() -> None:
    sent = {**obj(size=1), "metadata": {"name": "b", "labels": {"a": 1}}}
    assert decode_errors(bar(), sent) == [
        "json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string"
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"group": "z.io"},
            'metadata.name: Invalid value: "bars.y.io": must be spec.names.plural+"."+spec.group',
        ),
        (
            {"scope": "X"},
            'spec.scope: Unsupported value: "X": supported values: "Cluster", "Namespaced"',
        ),
        ({"scope": ""}, "spec.scope: Required value"),
        (
            {"versions": [{"name": "v1", "served": True, "storage": True}]},
            "spec.versions[0].schema.openAPIV3Schema: Required value",
        ),
    ],
    ids=str,
)
def test_definition_is_refused_in_the_real_server_s_words(
    change: dict[str, Any], sentence: str
) -> None:
    sent = copy.deepcopy(CRD)
    sent["spec"] |= change
    errors = validate_create(DEFINITION, apply_defaults(DEFINITION, sent))
    assert [error.sentence() for error in errors] == [sentence]


def test_definition_that_is_well_is_taken() -> None:
    stored = apply_defaults(DEFINITION, copy.deepcopy(CRD))
    assert validate_create(DEFINITION, stored) == []
    assert stored["spec"]["names"]["listKind"] == "BarList"
