"""From a template to the resources it will make: loops unrolled, names and conditions known.

    plan(template, scope) -> Plan: each resource with its id, and which others it waits for

Names, conditions, loops and scopes must be known before the run; bodies are worked out one by one
while it runs (`desired`), because they may ask what earlier resources look like.

Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/resource-dependency and
copy-resources; ids agree with `bicep snapshot`. Left out: deployments to other subscriptions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from akswi_helpers.sandbox.templates.documents import NESTED, Definition, definitions, place
from akswi_helpers.sandbox.templates.dotnet import type_name
from akswi_helpers.sandbox.templates.evaluate import count_of, evaluate
from akswi_helpers.sandbox.templates.refusals import (
    ExpressionRefused,
    NotEmulated,
    Stated,
    resource_refused,
    validation_failed,
)
from akswi_helpers.sandbox.templates.resource_ids import joined
from akswi_helpers.sandbox.templates.scopes import NeedsRuntime, Scope
from akswi_helpers.sandbox.wire import UNVERIFIED
from akswi_helpers.types import Json, ResourceId

# What steers the deployment and is not part of the resource itself.
_STEERING = frozenset(
    ("type", "apiVersion", "name", "scope", "condition", "dependsOn", "copy", "comments")
) | {"existing", "metadata", "resourceGroup", "subscriptionId"}


@dataclass(frozen=True, slots=True)
class Planned:
    """One resource that the template makes, or reads (`existing`)."""

    key: str  # its place in the template: "2", "vaults[4]"
    id: ResourceId
    name: str
    definition: Definition
    scope: Scope  # what its expressions see, its loop included
    wanted: bool  # its condition holds
    loop: str = ""
    turn: int = 0

    @property
    def type(self) -> str:
        """Its type: "Microsoft.KeyVault/vaults"."""
        return str(self.definition.body["type"])

    @property
    def api_version(self) -> str:
        """The version it is written in."""
        return str(self.definition.body["apiVersion"])

    @property
    def made(self) -> bool:
        """Whether the deployment writes it."""
        return self.wanted and not self.definition.existing

    def names(self) -> Iterator[str]:
        """Everything a dependsOn or a reference() may call it by, in lower case."""
        yield self.id.lower()
        yield self.name.lower()
        yield f"{self.type}/{self.name}".lower()
        if self.loop:
            yield self.loop.lower()
        if self.definition.symbol:
            yield self.definition.symbol.lower()
            yield self.key.lower()


@dataclass
class Plan:
    """The resources of one template by key, in the order they are written."""

    resources: dict[str, Planned]
    complete: bool = True  # False: some could not be known before the run
    waits_for: dict[str, frozenset[str]] = field(default_factory=dict)

    def find(self, name: str) -> list[Planned]:
        """The resources that go by `name`: one, a whole loop, or none."""
        return [r for r in self.resources.values() if name.lower() in r.names()]


def plan(template: Json, scope: Scope, *, ahead: bool = False) -> Plan:
    """The template's resources and their dependencies.

    `ahead`: leave out what can only be known during the run (for validating nested deployments).
    Raises TemplateRefused, NotEmulated.
    """
    from akswi_helpers.sandbox.templates.graph import dependencies

    found = Plan({})
    for at, definition in enumerate(definitions(template)):
        try:
            for planned in _unrolled(definition, str(at), scope):
                found.resources[planned.key] = planned
        except NeedsRuntime as error:
            if not ahead:
                raise _invalid(template, definition, error) from error
            found.complete = False
        except ExpressionRefused as error:
            raise _invalid(template, definition, error) from error
    _refuse_twins(found)
    found.waits_for = dependencies(found)
    return found


def desired(planned: Planned) -> Json:
    """The body to PUT, every expression in it worked out. A nested template is left as it is.

    Raises ExpressionRefused, NotEmulated, or what reading another resource raises.
    """
    body = {k: v for k, v in planned.definition.body.items() if k not in _STEERING}
    if planned.type.lower() != NESTED.lower():
        filled: Json = evaluate(body, planned.scope)
        return filled
    template = nested_template(planned)
    properties = {key: value for key, value in body["properties"].items() if key != "template"}
    nested: Json = evaluate({**body, "properties": properties}, planned.scope)
    nested["properties"]["template"] = template
    return nested


def nested_template(planned: Planned) -> Json:
    """The template of a nested deployment, as it is written.

    Raises NotEmulated for a linked one, or one whose expressions belong to the outer template.
    """
    properties = planned.definition.body.get("properties") or {}
    if "template" not in properties:
        raise NotEmulated("nested deployments without a template of their own (templateLink)")
    options = properties.get("expressionEvaluationOptions") or {}
    if str(options.get("scope")).lower() != "inner":
        raise NotEmulated("nested deployments whose expressions are evaluated in the outer scope")
    template: Json = properties["template"]
    return template


def _unrolled(definition: Definition, at: str, scope: Scope) -> Iterator[Planned]:
    key = definition.symbol or at
    loop = definition.loop
    if loop is None:
        yield _planned(definition, key, scope)
        return
    name = str(evaluate(loop.get("name") or key, scope))
    for turn in range(count_of(evaluate(loop["count"], scope))):
        inside = scope.within(name, turn)
        yield _planned(definition, f"{key}[{turn}]", inside, name, turn)


def _planned(
    definition: Definition, key: str, scope: Scope, loop: str = "", turn: int = 0
) -> Planned:
    body = definition.body
    condition = evaluate(body.get("condition", True), scope)
    if not isinstance(condition, bool):
        raise ExpressionRefused(
            f"{UNVERIFIED}The condition of the resource must be a boolean, not '{condition}'."
        )
    if "apiVersion" not in body:
        raise Stated(
            f"The template resource '{body['name']}' is not valid. The api-version property at "
            "line '1' and column '1' is not defined. The api-profile '<null>' for the template "
            f"does not match any valid api-version for the resource type '{body['type']}'.  Either "
            "explicitly specify the api-version for the resource or specify the correct "
            "api-profile for the template.. "
            "Please see https://aka.ms/arm-syntax-resources for usage details."
        )
    name = evaluate(body["name"], scope)
    if not isinstance(name, str):
        raise ExpressionRefused(
            f"Evaluation result of language expression '{name}' is type '{type_name(name)}', "
            "expected type is 'String'."
        )
    id_ = _id(body, name, scope)
    return Planned(key, id_, name, definition, scope, condition, loop, turn)


def _id(body: Json, name: str, scope: Scope) -> ResourceId:
    kind, names = str(body["type"]), name.split("/")
    described, wanted = f"'{name or body['name']}' of type '{kind}'", kind.count("/")
    details = "Please see https://aka.ms/arm-syntax-resources for usage details."
    if not name:
        raise Stated(
            f"The template resource {described} at line '1' and column '1' is not valid. The name "
            f"property cannot be null or empty. {details}"
        )
    if len(names) != wanted:
        raise Stated(
            f"The template resource {described} at line '1' and column '1' has an invalid name. "
            f"The name '{name}' contains '{len(names)}' name segment(s) separated by '/', but "
            f"'{wanted}' segment(s) were expected. {details}"
        )
    return joined(_scope_id(body, scope), kind, names)


def _scope_id(body: Json, scope: Scope) -> str:
    if "scope" in body:
        value = str(evaluate(body["scope"], scope))
        return value if value.startswith("/") else f"{scope.group_id}/providers/{value}"
    if "subscriptionId" in body:
        raise NotEmulated("resources of a template in another subscription")
    if "resourceGroup" in body:
        parts = scope.group_id.split("/")
        return "/".join([*parts[:4], str(evaluate(body["resourceGroup"], scope))])
    return scope.group_id


def _invalid(template: Json, definition: Definition, error: ExpressionRefused) -> Exception:
    name = str(definition.body["name"])
    return resource_refused(name, place(template, definition.body), error)


def _refuse_twins(found: Plan) -> None:
    seen: set[str] = set()
    for planned in found.resources.values():
        if planned.made and planned.id.lower() in seen:
            raise validation_failed(
                f"{UNVERIFIED}The resource '{planned.type}/{planned.name}' at line '1' and column "
                "'1' is defined multiple times in a template. "
                "Please see https://aka.ms/arm-syntax-resources for usage details."
            )
        if planned.made:
            seen.add(planned.id.lower())
