"""What a deployment would do, without doing it: for validate and for what-if.

Nested deployments are looked into; what depends on values that only the run knows is left out of
validate and is "Unsupported" in what-if.

Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/deploy-what-if.
Left out: the providers' own preflight; noise that Azure's what-if reports for defaults.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from akswi_helpers.sandbox.templates.builtins import Value
from akswi_helpers.sandbox.templates.describing import described
from akswi_helpers.sandbox.templates.documents import NESTED, template_hash
from akswi_helpers.sandbox.templates.evaluate import evaluate
from akswi_helpers.sandbox.templates.hosts import GROUP_API, Ahead, call
from akswi_helpers.sandbox.templates.planning import Planned, desired
from akswi_helpers.sandbox.templates.prepared import Prepared, prepare
from akswi_helpers.sandbox.templates.refusals import (
    ExpressionRefused,
    NotEmulated,
    not_authorized,
    not_processed,
)
from akswi_helpers.sandbox.templates.scopes import NeedsRuntime
from akswi_helpers.sandbox.wire import Caller, WireError, not_emulated
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, ResourceId

_NEVER_SHOWN = {"microsoft.keyvault/vaults/secrets": ("properties", "value")}


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A deployment that was only looked at: its record, and each resource it would make."""

    record: Json
    resources: list[Planned]
    complete: bool


def foresee(world: World, caller: Caller, id_: ResourceId, properties: Json) -> Foreseen:
    """Check a deployment, and its deployer's rights, as far as can be before it runs.

    Raises WireError: InvalidTemplate, InvalidTemplateDeployment, 501 NotEmulated.
    """
    host = Ahead(world, caller, id_, properties["template"])
    try:
        ready = prepare(host, properties["template"], properties.get("parameters") or {})
        found, complete = _deep(host, ready)
    except NotEmulated as error:
        raise not_emulated(str(error)) from error
    if str(properties.get("validationLevel") or "Provider").lower() == "provider":
        _require_rights(world, caller, found)
    moment = world.clock.now()
    record: Json = {
        "id": id_,
        "name": id_.rsplit("/", 1)[1],
        "state": "Succeeded",
        "mode": "Incremental",
        "started": moment,
        "changed": moment,
        "correlation": world.ids.random_guid(),
        "templateHash": template_hash(properties["template"]),
        "parameters": ready.parameters.echoed(),
        **described(ready.plan),
    }
    return Foreseen(record, found, complete)


def what_if(world: World, caller: Caller, id_: ResourceId, properties: Json) -> list[Json]:
    """The changes a deployment would make, then what it would leave alone. Raises WireError."""
    seen = foresee(world, caller, id_, properties)
    settings = properties.get("whatIfSettings") or {}
    changes = [_change(world, caller, planned) for planned in seen.resources]
    if str(settings.get("resultFormat", "")).lower() == "resourceidonly":
        changes = [{name: one[name] for name in ("resourceId", "changeType")} for one in changes]
    touched = {change["resourceId"].lower() for change in changes}
    group = "/".join(id_.split("/")[:5])
    listed: list[Json] = call(world, caller, "GET", f"{group}/resources", GROUP_API).body["value"]
    left = [one["id"] for one in listed if one["id"].lower() not in touched]
    return changes + [{"resourceId": one, "changeType": "Ignore"} for one in left]


def _require_rights(world: World, caller: Caller, found: list[Planned]) -> None:
    from akswi_helpers.sandbox.azure.authorization import allowed

    missing = [
        planned
        for planned in found
        if not allowed(world, caller.object_id, f"{planned.type}/write", planned.id)
    ]
    if missing:
        raise not_authorized(caller, [(one.name, one.type, one.id) for one in missing])


def _deep(host: Ahead, ready: Prepared) -> tuple[list[Planned], bool]:
    found, complete = [], ready.plan.complete
    for planned in ready.plan.resources.values():
        if not planned.made:
            continue
        if planned.type.lower() == NESTED.lower():
            inner, known = _nested(host, planned)
            found += inner
            complete = complete and known
        else:
            _try(planned)
            found.append(planned)
    return found, complete


def _nested(host: Ahead, planned: Planned) -> tuple[list[Planned], bool]:
    properties = planned.definition.body["properties"]
    given: Json = {}
    unknown: set[str] = set()
    for name, entry in (properties.get("parameters") or {}).items():
        value = _known(entry, planned)
        if value is None:
            unknown.add(name)
        given[name] = value or {}
    inside = Ahead(host.world, host.caller, planned.id, properties.get("template") or {})
    ready = prepare(inside, inside.template, given, unknown=unknown, ahead=True)
    found, complete = _deep(inside, ready)
    return found, complete and not unknown


def _known(entry: Value, planned: Planned) -> Value:
    try:
        return evaluate(entry, planned.scope)
    except NeedsRuntime:
        return None


def _try(planned: Planned) -> Json | None:
    """The body as far as it is known now; None when only the run can tell."""
    try:
        return desired(planned)
    except NeedsRuntime:
        return None
    except ExpressionRefused as error:
        raise not_processed(f"resource '{planned.id}'", str(error)) from error


def _change(world: World, caller: Caller, planned: Planned) -> Json:
    wanted, change = _try(planned), {"resourceId": planned.id}
    before = _standing(world, caller, planned)
    if wanted is None:
        if before is None:
            return change | {"changeType": "Create"}
        reason = "Changes depend on values that are known only while the deployment runs."
        return change | {"changeType": "Unsupported", "unsupportedReason": reason}
    after = _shown(planned, wanted)
    if before is None:
        return change | {"changeType": "Create", "after": after}
    delta = list(_delta(before, wanted, "", planned))
    kind = "Modify" if delta else "NoChange"
    return change | {"changeType": kind, "before": before, "after": after, "delta": delta}


def _standing(world: World, caller: Caller, planned: Planned) -> Json | None:
    try:
        return dict(call(world, caller, "GET", planned.id, planned.api_version).body)
    except WireError as error:
        if error.status == 404:
            return None
        raise


def _delta(before: Value, after: Value, path: str, planned: Planned) -> Iterator[Json]:
    if isinstance(before, dict) and isinstance(after, dict):
        own = {key.lower(): value for key, value in before.items()}
        for key, value in after.items():
            inner = f"{path}.{key}" if path else key
            if not _hidden(planned, inner):
                yield from _delta(own.get(key.lower()), value, inner, planned)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _delta(old, new, f"{path}.{place}", planned)
    elif not _alike(before, after, path):
        kind = "Create" if before is None else "Modify"
        yield {"path": path, "propertyChangeType": kind, "before": before, "after": after}


def _alike(before: Value, after: Value, path: str) -> bool:
    if before in (None, {}, []) and after in (None, {}, []):
        return True
    if path in ("location", "properties.roleDefinitionId") and isinstance(before, str):
        return before.replace(" ", "").lower() == str(after).replace(" ", "").lower()
    return bool(before == after)


def _hidden(planned: Planned, path: str) -> bool:
    return _NEVER_SHOWN.get(planned.type.lower()) == tuple(path.split("."))


def _shown(planned: Planned, body: Json) -> Json:
    secret = _NEVER_SHOWN.get(planned.type.lower())
    if not secret:
        return body
    outer, inner = secret
    return {**body, outer: {k: v for k, v in body.get(outer, {}).items() if k != inner}}
