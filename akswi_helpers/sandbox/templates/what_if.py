"""What-if: what a deployment would change, resource by resource, by comparing with what is there.

Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/deploy-what-if.
Left out: secrets' values, which are never answered and so cannot be compared; the noise that
Azure's what-if reports for defaults.
"""

from __future__ import annotations

from collections.abc import Iterator

from akswi_helpers.sandbox.templates.builtins import Value
from akswi_helpers.sandbox.templates.foreseeing import body_so_far, foresee
from akswi_helpers.sandbox.templates.hosts import GROUP_API, call
from akswi_helpers.sandbox.templates.planning import Planned
from akswi_helpers.sandbox.wire import Caller, WireError
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, ResourceId

_NEVER_SHOWN = {"microsoft.keyvault/vaults/secrets": ("properties", "value")}


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


def _change(world: World, caller: Caller, planned: Planned) -> Json:
    wanted, change = body_so_far(planned), {"resourceId": planned.id}
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
