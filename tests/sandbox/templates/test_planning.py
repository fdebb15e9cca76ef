"""A template's resources: their ids, their order, and what is refused before anything is made."""

from __future__ import annotations

from typing import Any

import pytest

from akswi_helpers.sandbox.templates.documents import checked, template_hash
from akswi_helpers.sandbox.templates.planning import Plan, desired, plan
from akswi_helpers.sandbox.templates.refusals import NotEmulated, TemplateRefused
from akswi_helpers.types import Json

from .conftest import GROUP_ID, scope_of

ENVELOPE = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
}


def resource(name: str, kind: str = "A.B/cs", **more: Any) -> Json:
    return {"type": kind, "apiVersion": "2024-01-01", "name": name, **more}


def planned(*resources: Json) -> Plan:
    return plan({**ENVELOPE, "resources": list(resources)}, scope_of({"three": 3}))


def test_plan_unrolls_a_loop() -> None:
    loop = {"name": "loop", "count": "[parameters('three')]"}
    found = planned(resource("[format('c{0}', copyIndex(1))]", copy=loop))
    assert [one.name for one in found.resources.values()] == ["c1", "c2", "c3"]


def test_plan_runs_a_serial_loop_in_batches() -> None:
    loop = {"name": "loop", "count": 5, "mode": "serial", "batchSize": 2}
    waits = planned(resource("[format('c{0}', copyIndex())]", copy=loop)).waits_for
    assert waits["0[1]"] == frozenset()
    assert waits["0[2]"] == waits["0[3]"] == {"0[0]", "0[1]"}


@pytest.mark.parametrize(
    "name", ["[resourceId('A.B/cs', 'one')]", "one", "A.B/cs/one", "[concat('o', 'ne')]"]
)
def test_plan_waits_for_what_depends_on_names(name: str) -> None:
    found = planned(resource("one"), resource("two", dependsOn=[name]))
    assert found.waits_for == {"0": frozenset(), "1": {"0"}}


def test_plan_waits_for_a_whole_loop_and_for_a_reference() -> None:
    loop = resource("[format('c{0}', copyIndex())]", copy={"name": "all", "count": 2})
    reader = resource("reader", properties={"x": "[reference('c1').y]"})
    found = planned(loop, resource("two", dependsOn=["all"]), reader)
    assert found.waits_for["1"] == {"0[0]", "0[1]"}
    assert found.waits_for["2"] == {"0[1]"}


def test_plan_keeps_out_what_its_condition_rules_out() -> None:
    found = planned(resource("one", condition="[equals(1, 2)]"), resource("two"))
    assert [one.made for one in found.resources.values()] == [False, True]


def test_plan_puts_an_extension_at_its_scope() -> None:
    found = planned(resource("lock", "M.A/locks", scope="A.B/cs/one"))
    (lock,) = found.resources.values()
    assert lock.id == f"{GROUP_ID}/providers/A.B/cs/one/providers/M.A/locks/lock"


def test_plan_flattens_children() -> None:
    parent = resource("one", resources=[resource("kid", "ds")])
    kid = list(planned(parent).resources.values())[1]
    assert kid.id == f"{GROUP_ID}/providers/A.B/cs/one/ds/kid"


def test_symbolic_resources_wait_for_symbols_and_read_existing_ones() -> None:
    template = {
        **ENVELOPE,
        "languageVersion": "2.0",
        "resources": {
            "old": {**resource("old"), "existing": True},
            "many": resource("[format('m{0}', copyIndex())]", copy={"name": "many", "count": 2}),
            "last": resource("last", dependsOn=["many[1]", "old"]),
        },
    }
    found = plan(template, scope_of())
    assert found.waits_for["last"] == {"many[1]", "old"}
    assert not found.resources["old"].made


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        ([resource("a/b")], "contains '2' name segment(s) separated by '/'"),
        ([resource("a"), resource("A")], "is defined multiple times in a template"),
        ([resource("a", dependsOn=["b"])], "The resource 'b' is not defined in the template"),
        (
            [resource("a", dependsOn=["b"]), resource("b", dependsOn=["a"])],
            "Circular dependency detected on resource",
        ),
        ([resource("[reference('x').y]")], "'reference' is not expected at this location"),
        ([resource("a", copy={"name": "l", "count": -1})], "has an invalid copy count of: '-1'"),
        ([resource("a", condition="yes")], "must be a boolean"),
    ],
)
def test_plan_is_refused(resources: list[Json], words: str) -> None:
    with pytest.raises(TemplateRefused) as refused:
        planned(*resources)
    assert refused.value.code == "InvalidTemplate"
    assert words in refused.value.message


def test_nested_template_keeps_its_own_expressions() -> None:
    inner = {"resources": [], "outputs": {"x": {"value": "[parameters('inner')]"}}}
    options = {"scope": "inner"}
    properties = {
        "expressionEvaluationOptions": options,
        "template": inner,
        "parameters": {"p": {"value": "[parameters('three')]"}},
    }
    found = planned(resource("n", "Microsoft.Resources/deployments", properties=properties))
    body = desired(found.resources["0"])
    assert body["properties"]["parameters"] == {"p": {"value": 3}}
    assert body["properties"]["template"] == inner


def test_nested_template_in_the_outer_scope_is_not_emulated() -> None:
    nested = resource("n", "Microsoft.Resources/deployments", properties={"template": {}})
    with pytest.raises(NotEmulated):
        desired(planned(nested).resources["0"])


@pytest.mark.parametrize("missing", ["$schema", "contentVersion", "resources"])
def test_template_without_its_frame_is_refused(missing: str) -> None:
    template = {**ENVELOPE, "resources": []}
    del template[missing]
    with pytest.raises(TemplateRefused, match="parse failed"):
        checked(template)


def test_template_hash_is_the_compilers_own() -> None:
    metadata = {"_generator": {"templateHash": "123"}}
    assert template_hash({"metadata": metadata}) == "123"
    assert template_hash({"a": 1}).isdigit()
