"""Resources that templates often carry and that do nothing here: stored, not emulated.

    PUT …/{name}
    GET …/{name}
    DELETE …/{name}
    GET …/Microsoft.ContainerRegistry/registries
    GET …/Microsoft.OperationalInsights/workspaces
    GET …/Microsoft.Insights/components
    GET …/Microsoft.Insights/metricAlerts
    GET …/Microsoft.Insights/scheduledQueryRules
    GET …/Microsoft.Insights/diagnosticSettings

Each lies in a group, is listed for a group and for the subscription; a diagnostic setting hangs on
any resource. What was sent is kept and given back, and nothing comes of it: no image can be pulled,
nothing is measured, nobody is alerted. Source: https://learn.microsoft.com/rest/api/azure; names:
https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules. Left out:
what Azure fills in or refuses in `properties`, identities, changes by PATCH, keys (501).
"""

from __future__ import annotations

import re

from akswi_helpers.sandbox.azure.arm import existence, refusals
from akswi_helpers.sandbox.azure.arm.requests import tags_of
from akswi_helpers.sandbox.azure.arm.resource_ids import (
    group_id,
    group_of,
    name_of,
    path_of,
    type_of,
)
from akswi_helpers.sandbox.azure.arm.resources import Resources, place
from akswi_helpers.sandbox.wire import UNVERIFIED, Reply, Request, Route, WireError, not_emulated
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json

# 1 · Shapes: what is stored, and how it looks on the wire ---------------------

SETTINGS = "Microsoft.Insights/diagnosticSettings"
NAMES = {
    "Microsoft.ContainerRegistry/registries": r"[A-Za-z0-9]{5,50}",
    "Microsoft.OperationalInsights/workspaces": r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
    "Microsoft.Insights/components": r"[^%&\\?/]{0,259}[^%&\\?/ .]",
    "Microsoft.Insights/metricAlerts": r"[^*#&+:<>?@%{}\\/]{0,259}[^*#&+:<>?@%{}\\/ .]",
    "Microsoft.Insights/scheduledQueryRules": r"[^*<>%{}&:\\?/#]{0,259}[^*<>%{}&:\\?/# .]",
}
TYPES = (*NAMES, SETTINGS)
"""Every type that is stored and not emulated."""

_EVERYWHERE = "global"  # where metric alerts live
_KEPT = ("kind", "sku", "zones")
_SENT = frozenset({"location", "tags", "properties", "id", "name", "type", "apiversion", *_KEPT})


def document(kind: str, resource_id: str, location: str, body: Json) -> Json:
    """A resource as it was sent, with what every resource has."""
    kept = {name: body[name] for name in _KEPT if body.get(name) is not None}
    return {
        "id": resource_id,
        "name": name_of(resource_id),
        "type": kind,
        "location": location,
        "tags": tags_of(body),
        **kept,
        "properties": {**_properties(body), "provisioningState": "Succeeded"},
    }


def setting(resource_id: str, body: Json) -> Json:
    """A diagnostic setting as it was sent; it has no place and no tags."""
    return {
        "id": resource_id,
        "name": name_of(resource_id),
        "type": SETTINGS,
        "properties": _properties(body),
    }


# 2 · State: in resources.py ---------------------------------------------------


def _placed(world: World, kind: str, resource_id: str, body: Json) -> tuple[Json | None, str]:
    """What stands there, and the region asked for. Raises WireError."""
    if kind != "Microsoft.Insights/metricAlerts" or body.get("location") != _EVERYWHERE:
        return place(world, resource_id, kind, body)
    found = world.state(Resources).get(resource_id)
    if found and found["location"] != _EVERYWHERE:
        group = name_of(group_of(resource_id))
        raise refusals.location_fixed(found["name"], group, found["location"], _EVERYWHERE)
    return found, _EVERYWHERE


# 3 · Errors: names, and what cannot be kept -----------------------------------


def invalid_name(kind: str, name: str) -> WireError:
    """A name that no resource of this type can have."""
    text = f"{UNVERIFIED}The name '{name}' is not valid for {kind}."
    return refusals.invalid_request(text, "InvalidResourceName")


def _check(kind: str, name: str, body: Json) -> None:
    """Raise WireError for a name Azure refuses, and for a field that is not kept."""
    if kind in NAMES and not re.fullmatch(NAMES[kind], name):
        raise invalid_name(kind, name)
    for field in body:
        if field.lower() not in _SENT:
            raise not_emulated(f"the property '{field}' of {kind}")


def _properties(body: Json) -> Json:
    sent = body.get("properties") or {}
    if not isinstance(sent, dict):
        raise refusals.invalid_request("The property 'properties' must be of type object.")
    return sent


# 4 · Routes: parse, ask the state, render -------------------------------------


def put(world: World, request: Request) -> Reply:
    """Keep a resource: 201 when it is new, 200 when not."""
    wanted, body = _id(request), request.json()
    kind = _kind(wanted)
    _check(kind, request.args["name"], body)
    found, location = _placed(world, kind, wanted, body)
    made = world.state(Resources).put(wanted, document(kind, wanted, location, body))
    return Reply(made, 200 if found else 201)


def put_setting(world: World, request: Request) -> Reply:
    """Keep a diagnostic setting of a resource that is there: 200, as Azure answers."""
    wanted, body = path_of(request.path), request.json()
    _check(SETTINGS, request.args["name"], body)
    existence.require(world, path_of(request.args["scope"]))
    return Reply(world.state(Resources).put(wanted, setting(wanted, body)))


def get(world: World, request: Request) -> Reply:
    """One resource, as it was sent."""
    return Reply(world.state(Resources).find(request.path))


def delete(world: World, request: Request) -> Reply:
    """Forget a resource: 200, or 204 when there was none."""
    if world.state(Resources).get(request.path) is None:
        return Reply(None, 204)
    world.state(Resources).remove(request.path)
    return Reply(None, 200)


def list_all(world: World, request: Request) -> Reply:
    """The resources of one type, in a group or in the subscription."""
    subscription, group = request.args["subscription"], request.args.get("group")
    scope = group_id(subscription, group) if group else f"/subscriptions/{subscription}"
    return Reply({"value": world.state(Resources).of_type(_kind(f"{request.path}/any"), scope)})


def list_settings(world: World, request: Request) -> Reply:
    """The diagnostic settings of one resource."""
    scope = path_of(request.args["scope"])
    existence.require(world, scope)
    found = world.state(Resources).of_type(SETTINGS, scope)
    own = f"{scope}/providers/{SETTINGS}/".lower()
    return Reply({"value": [one for one in found if one["id"].lower().startswith(own)]})


def _id(request: Request) -> str:
    args = request.args
    kind = _kind(path_of(request.path))
    group = group_id(args["subscription"], args["group"])
    return f"{group}/providers/{kind}/{args['name']}"


def _kind(path: str) -> str:
    """The type in a path, in Microsoft's casing."""
    return next(kind for kind in TYPES if kind.lower() == type_of(path).lower())


_ALL = "/subscriptions/{subscription}/providers/"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers/"
_SETTINGS = "/{scope+}/providers/" + SETTINGS


def _routes(kind: str) -> tuple[Route, ...]:
    one = _GROUP + kind + "/{name}"
    return (
        Route("PUT", one, put, kind),
        Route("GET", one, get, kind),
        Route("DELETE", one, delete, kind),
        Route("GET", _GROUP + kind, list_all, kind),
        Route("GET", _ALL + kind, list_all, kind),
    )


ROUTES = (
    *(route for kind in NAMES for route in _routes(kind)),
    Route("PUT", _SETTINGS + "/{name}", put_setting, SETTINGS),
    Route("GET", _SETTINGS + "/{name}", get, SETTINGS),
    Route("DELETE", _SETTINGS + "/{name}", delete, SETTINGS),
    Route("GET", _SETTINGS, list_settings, SETTINGS),
)
