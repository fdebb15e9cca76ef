"""What a deployment would make, without making it: for validate, for what-if, and before a run.

Nested deployments are looked into, also through their outputs where these are known beforehand
(`Foreseer`); what depends on values that only the run knows is left out.

Source: what Azure's validate checks; ids agree with `bicep snapshot`. Left out: the resource
providers' own preflight.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from akswi_helpers.sandbox.templates.builtins import Value
from akswi_helpers.sandbox.templates.describing import described
from akswi_helpers.sandbox.templates.documents import NESTED, place, template_hash
from akswi_helpers.sandbox.templates.evaluate import NOT_YET, evaluate
from akswi_helpers.sandbox.templates.hosts import Ahead
from akswi_helpers.sandbox.templates.planning import Planned, desired, nested_template
from akswi_helpers.sandbox.templates.prepared import Prepared, prepare
from akswi_helpers.sandbox.templates.refusals import (
    ExpressionRefused,
    NotEmulated,
    not_authorized,
    resource_refused,
)
from akswi_helpers.sandbox.templates.scopes import NeedsRuntime, Scope
from akswi_helpers.sandbox.wire import Caller, not_emulated
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, ResourceId


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A deployment that was only looked at: its record, and each resource it would make."""

    record: Json
    resources: list[Planned]
    complete: bool  # False: some could not be known before the run


def foresee(world: World, caller: Caller, id_: ResourceId, properties: Json) -> Foreseen:
    """Check a deployment, and its deployer's rights, as far as can be before it runs.

    Raises WireError: InvalidTemplate, InvalidTemplateDeployment, 501 NotEmulated.
    """
    template = properties["template"]
    host = Ahead(world, caller, id_, template)
    try:
        ready = prepare(host, template, properties.get("parameters") or {})
        foreseer = Foreseer(host, ready)
        found, complete = foreseer.resources()
    except NotEmulated as error:
        raise not_emulated(str(error)) from error
    if str(properties.get("validationLevel") or "Provider").lower() == "provider":
        _require_rights(world, caller, found)
    return Foreseen(_record(world, id_, ready), found, complete)


def body_so_far(planned: Planned, template: Json | None = None) -> Json | None:
    """The body to PUT as far as it is known now; None when only the run can tell.

    Raises TemplateRefused for an expression that can never be worked out.
    """
    try:
        return desired(planned)
    except NeedsRuntime:
        return None
    except ExpressionRefused as error:
        body = planned.definition.body
        at = place(template or {}, body)
        raise resource_refused(str(body["name"]), at, error) from error


class Foreseer(Ahead):
    """A host that answers reference() for nested deployments whose outputs are known by now."""

    def __init__(self, host: Ahead, ready: Prepared, *, complete: bool = True) -> None:
        super().__init__(host.world, host.caller, host.id, host.template)
        self._ready, self._complete = ready, complete and ready.plan.complete
        self._inside: dict[str, Foreseer] = {}

    def reference(self, target: str, api_version: str, full: bool) -> Value:
        """The outputs of the nested deployment `target`. Raises NeedsRuntime for all else."""
        for planned in self._ready.plan.find(target):
            if planned.made and _is_nested(planned) and not full:
                return {"outputs": self.inside(planned).outputs()}
        raise NeedsRuntime("reference")

    def resources(self) -> tuple[list[Planned], bool]:
        """Every resource, those of nested deployments included, and whether these are all."""
        found, complete = [], self._complete
        for planned in self._ready.plan.resources.values():
            if planned.made and _is_nested(planned):
                inner, known = self.inside(planned).resources()
                found += inner
                complete = complete and known
            elif planned.made:
                seeing = replace(planned, scope=self._seeing(planned.scope))
                body_so_far(seeing, self.template)
                found.append(seeing)
        return found, complete

    def outputs(self) -> Json:
        """The outputs that are known by now; the others are NOT_YET."""
        definitions: Json = self.template.get("outputs") or {}
        scope = self._seeing(self._ready.scope)
        return {name: self._output(body, scope) for name, body in definitions.items()}

    def inside(self, planned: Planned) -> Foreseer:
        """The same for a nested deployment. Raises TemplateRefused, NotEmulated."""
        if planned.key not in self._inside:
            self._inside[planned.key] = self._look_inside(planned)
        return self._inside[planned.key]

    def _look_inside(self, planned: Planned) -> Foreseer:
        given: Json = {}
        unknown: set[str] = set()
        scope = self._seeing(planned.scope)
        for name, entry in planned.definition.body["properties"].get("parameters", {}).items():
            try:
                given[name] = evaluate(entry, scope)
            except NeedsRuntime:
                given[name] = {}
                unknown.add(name)
        host = Ahead(self.world, self.caller, planned.id, nested_template(planned))
        ready = prepare(host, host.template, given, unknown=unknown, ahead=True)
        return Foreseer(host, ready)

    def _output(self, body: Json, scope: Scope) -> Value:
        try:
            return {"value": evaluate(body["value"], scope)} if "value" in body else NOT_YET
        except NeedsRuntime:
            return NOT_YET

    def _seeing(self, scope: Scope) -> Scope:
        return replace(scope, host=self)


def _is_nested(planned: Planned) -> bool:
    return planned.type.lower() == NESTED.lower()


def _require_rights(world: World, caller: Caller, found: list[Planned]) -> None:
    missing = [planned for planned in found if not _may_make(world, caller, planned)]
    if missing:
        raise not_authorized(caller, [(one.name, one.type, one.id) for one in missing])


def _may_make(world: World, caller: Caller, planned: Planned) -> bool:
    from akswi_helpers.sandbox.azure.arm import authorization, conditions

    action = f"{planned.type}/write"
    about: conditions.Attributes = {}
    if planned.type.lower() == authorization.TYPE.lower():
        about = conditions.of_assignment("request", _properties_so_far(planned))
    return authorization.allowed(world, caller.object_id, action, planned.id, about=about)


def _properties_so_far(planned: Planned) -> Json:
    """The properties that are known by now; the others are None."""
    found: Json = {}
    for name, value in (planned.definition.body.get("properties") or {}).items():
        try:
            found[name] = evaluate(value, planned.scope)
        except (NeedsRuntime, ExpressionRefused):
            found[name] = None
    return found


def _record(world: World, id_: ResourceId, ready: Prepared) -> Json:
    moment = world.clock.now()
    return {
        "id": id_,
        "name": id_.rsplit("/", 1)[1],
        "state": "Succeeded",
        "mode": "Incremental",
        "started": moment,
        "changed": moment,
        "correlation": world.ids.random_guid(),
        "templateHash": template_hash(ready.template),
        "parameters": ready.parameters.echoed(),
        **described(ready.plan),
    }
