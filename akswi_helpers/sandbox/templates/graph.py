"""Which resource waits for which: dependsOn, reference(), and loops that run in batches.

Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/resource-dependency.
Left out: dependencies on resources outside the template, which Azure refuses too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.templates.evaluate import evaluate, result
from akswi_helpers.sandbox.templates.expressions import Call, calls_in
from akswi_helpers.sandbox.templates.refusals import (
    ExpressionRefused,
    NotEmulated,
    validation_failed,
)
from akswi_helpers.sandbox.templates.scopes import NeedsRuntime
from akswi_helpers.sandbox.wire import UNVERIFIED

if TYPE_CHECKING:
    from akswi_helpers.sandbox.templates.planning import Plan, Planned


def dependencies(plan: Plan) -> dict[str, frozenset[str]]:
    """For each resource the keys of those it waits for.

    Raises TemplateRefused for a dependency that is not in the template, and for a circle.
    """
    waits = {
        key: frozenset(_declared(plan, planned)) | _implied(plan, planned) | _batch(plan, planned)
        for key, planned in plan.resources.items()
    }
    waits = {key: others - {key} for key, others in waits.items()}
    _refuse_circles(plan, waits)
    return waits


def _declared(plan: Plan, planned: Planned) -> Iterator[str]:
    for entry in planned.definition.body.get("dependsOn", []):
        try:
            name = evaluate(entry, planned.scope)
        except NeedsRuntime:
            continue
        except ExpressionRefused as error:
            raise validation_failed(str(error)) from error
        found = plan.find(str(name))
        if not found and plan.complete:
            raise validation_failed(
                f"{UNVERIFIED}The resource '{name}' is not defined in the template. "
                "Please see https://aka.ms/arm-syntax for usage details."
            )
        yield from (other.key for other in found)


def _implied(plan: Plan, planned: Planned) -> frozenset[str]:
    body = {k: v for k, v in planned.definition.body.items() if k not in ("dependsOn", "copy")}
    if "properties" in body and isinstance(body["properties"], dict):
        # A nested template's references are its own.
        inner = {k: v for k, v in body["properties"].items() if k != "template"}
        body = {**body, "properties": inner}
    wanted = [call for call in calls_in(body) if call.name.lower() in ("reference", "references")]
    found = (other for call in wanted for other in _targets(plan, planned, call))
    return frozenset(other.key for other in found)


def _targets(plan: Plan, planned: Planned, call: Call) -> list[Planned]:
    try:
        return plan.find(str(result(call.arguments[0], planned.scope)))
    except (ExpressionRefused, NotEmulated, IndexError):
        return []  # said again, and loudly, when the body is worked out


def _batch(plan: Plan, planned: Planned) -> frozenset[str]:
    loop = planned.definition.loop
    if loop is None or str(loop.get("mode", "parallel")).lower() != "serial":
        return frozenset()
    size = int(loop.get("batchSize", 1))
    first = planned.turn // size * size
    return frozenset(
        other.key
        for other in plan.resources.values()
        if other.definition is planned.definition and first - size <= other.turn < first
    )


def _refuse_circles(plan: Plan, waits: dict[str, frozenset[str]]) -> None:
    left = dict(waits)
    while left:
        free = [key for key, others in left.items() if not others & left.keys()]
        if not free:
            raise validation_failed(
                f"{UNVERIFIED}Circular dependency detected on resource: "
                f"'{plan.resources[next(iter(left))].id}'. "
                "Please see https://aka.ms/arm-syntax-resources for usage details."
            )
        for key in free:
            del left[key]
