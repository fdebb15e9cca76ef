"""How a deployment, its operations and its parts are written in answers.

Source: recorded answers of Microsoft.Resources/deployments. Left out: `diagnostics`.
"""

from __future__ import annotations

import datetime

from akswi_helpers.sandbox.templates.planning import Plan, Planned
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, ResourceId, Seconds

TYPE = "Microsoft.Resources/deployments"
_PROVISIONING = {"Succeeded": "Succeeded", "Running": "Running", "Failed": "Failed"}


def described(plan: Plan) -> Json:
    """What a plan tells of a deployment: providers it needs, which resource waits for which."""
    made = {key: planned for key, planned in plan.resources.items() if planned.made}
    return {
        "providers": _providers(list(made.values())),
        "dependencies": [
            _entry(planned) | {"dependsOn": [_entry(made[key]) for key in sorted(waits)]}
            for planned in made.values()
            if (waits := plan.waits_for[planned.key] & made.keys())
        ],
    }


def to_wire(record: Json, **more: object) -> Json:
    """A deployment's record as GET and PUT answer it."""
    properties: Json = {
        "templateHash": record["templateHash"],
        "parameters": record["parameters"],
        "mode": record["mode"],
        "provisioningState": record["state"],
        "timestamp": stamp(record["changed"]),
        "duration": duration(record["changed"] - record["started"]),
        "correlationId": record["correlation"],
        "providers": record["providers"],
        "dependencies": record["dependencies"],
    }
    kept = ("outputs", "outputResources", "error")
    properties |= {name: record[name] for name in kept if record.get(name) is not None}
    wire: Json = {"id": record["id"], "name": record["name"], "type": TYPE}
    if record.get("tags"):
        wire["tags"] = record["tags"]
    return wire | {"properties": properties | more}


def operation(id_: ResourceId, step: Json) -> Json:
    """One step as the list of operations shows it."""
    properties: Json = {
        "provisioningOperation": "Create",
        "provisioningState": step["state"],
        "timestamp": stamp(step["changed"]),
        "duration": duration(step["changed"] - step["began"]),
        "statusCode": step.get("statusCode", "OK"),
        "targetResource": _target(step["id"], step["type"], step["name"]),
    }
    if step.get("error"):
        properties["statusMessage"] = {"status": "Failed", "error": step["error"]}
    return {
        "id": f"{id_}/operations/{step['operation']}",
        "operationId": step["operation"],
        "properties": properties,
    }


def last_operation(record: Json) -> Json:
    """The operation that works out the outputs, the last one of a deployment that succeeded."""
    name = record["operation"]
    properties = {
        "provisioningOperation": "EvaluateDeploymentOutput",
        "provisioningState": "Succeeded",
        "timestamp": stamp(record["changed"]),
        "duration": "PT0S",
        "statusCode": "OK",
    }
    id_ = f"{record['id']}/operations/{name}"
    return {"id": id_, "operationId": name, "properties": properties}


def stamp(when: Seconds) -> str:
    """Unix seconds as Resource Manager writes them: "2026-05-04T10:11:12.3456789Z"."""
    moment = datetime.datetime.fromtimestamp(when, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}0Z"


def duration(seconds: Seconds) -> str:
    """A length of time as Resource Manager writes it: "PT1M2.5S"."""
    minutes, rest = divmod(max(seconds, 0.0), 60)
    text = f"{rest:.7f}".rstrip("0").rstrip(".")
    return f"PT{int(minutes)}M{text}S" if minutes else f"PT{text}S"


def now(world: World) -> str:
    """The sandbox's time, so written."""
    return stamp(world.clock.now())


def _entry(planned: Planned) -> Json:
    return _target(planned.id, planned.type, planned.name)


def _target(id_: ResourceId, kind: str, name: str) -> Json:
    return {"id": id_, "resourceType": kind, "resourceName": name}


def _providers(made: list[Planned]) -> list[Json]:
    found: dict[str, dict[str, list[str | None]]] = {}
    for planned in made:
        namespace, _, kind = planned.type.partition("/")
        body = planned.definition.body
        given = body.get("location")
        place = str(given) if isinstance(given, str) and not given.startswith("[") else None
        places = found.setdefault(namespace, {}).setdefault(kind, [])
        if place not in places:
            places.append(place)
    return [
        {
            "namespace": namespace,
            "resourceTypes": [
                {"resourceType": kind, "locations": places} for kind, places in kinds.items()
            ],
        }
        for namespace, kinds in found.items()
    ]
