"""Microsoft.Resources/deployments: templates deployed to a resource group.

    PUT …/deployments/{deployment}
    GET …/deployments/{deployment}
    HEAD …/deployments/{deployment}
    DELETE …/deployments/{deployment}
    GET …/deployments
    POST …/deployments/{deployment}/validate
    POST …/deployments/{deployment}/whatIf
    POST …/deployments/{deployment}/exportTemplate
    POST …/deployments/{deployment}/cancel
    GET …/deployments/{deployment}/operations
    GET …/deployments/{deployment}/operations/{operation}
    GET …/deployments/{deployment}/operationStatuses/{operation}
    GET /subscriptions/{subscription}/resourceGroups/{group}/deployments/{deployment}/operations
    GET …/{group}/deployments/{deployment}/operations/{operation}
    GET …/{group}/deployments/{deployment}
    GET …/{group}/deployments/{deployment}/{operation}

the last four as clients have always asked for them, the others under
/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Resources.
The work is done by `templates.engine`; here are its requests and answers.

Source: https://learn.microsoft.com/rest/api/resources/deployments and recorded exchanges.
Left out: deployments to a subscription, group or tenant, deployment stacks; cancel answers 501.
"""

from __future__ import annotations

import datetime
import re

from akswi_helpers.sandbox.azure.arm.deployment_bodies import deployment_body
from akswi_helpers.sandbox.azure.arm.operations import poll_headers
from akswi_helpers.sandbox.azure.arm.refusals import refusal
from akswi_helpers.sandbox.azure.arm.requests import caller_of, takes
from akswi_helpers.sandbox.azure.arm.resource_groups import Groups
from akswi_helpers.sandbox.templates import engine
from akswi_helpers.sandbox.templates.describing import (
    last_operation,
    now,
    operation,
    to_wire,
)
from akswi_helpers.sandbox.templates.foreseeing import foresee
from akswi_helpers.sandbox.templates.records import ENDED, Deployments
from akswi_helpers.sandbox.templates.what_if import what_if
from akswi_helpers.sandbox.wire import (
    UNVERIFIED,
    Reply,
    Request,
    Route,
    WireError,
    not_emulated,
)
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, ResourceId, Seconds

# 1 · Shapes: names and headers ------------------------------------------------

TYPE = "Microsoft.Resources/deployments"


def status_url(request: Request, record: Json) -> str:
    """Where a client asks how the deployment is doing."""
    version = request.query.get("api-version", "")
    path = f"{record['id']}/operationStatuses/{record['operation']}"
    return f"https://{request.host}{path}?api-version={version}"


def american(when: Seconds) -> str:
    """Unix seconds as DeploymentActive writes them: "4/4/2020 2:17:07 AM"."""
    moment = datetime.datetime.fromtimestamp(when, datetime.UTC)
    hour = moment.hour % 12 or 12
    half = "AM" if moment.hour < 12 else "PM"
    return f"{moment.month}/{moment.day}/{moment.year} {hour}:{moment:%M:%S} {half}"


# 2 · State: kept by templates.records.Deployments -----------------------------


def resume(world: World) -> None:
    """Go on with every deployment that had not ended when the sandbox stopped."""
    engine.resume(world)


def find(world: World, request: Request) -> Json:
    """The deployment's record. Raises WireError DeploymentNotFound."""
    record = world.state(Deployments).get(_id(world, request))
    if record is None:
        raise deployment_not_found(request.args["deployment"])
    return record


# 3 · Errors: this service's codes ---------------------------------------------


def deployment_not_found(name: str) -> WireError:
    """There is no deployment of that name in the group."""
    text = f"{UNVERIFIED}Deployment '{name}' could not be found."
    return refusal(404, "DeploymentNotFound", text)


def deployment_active(record: Json) -> WireError:
    """The last deployment of that name has not ended."""
    week = 7 * 24 * 3600
    began, until = american(record["started"]), american(record["started"] + week)
    return refusal(
        409,
        "DeploymentActive",
        f"Unable to edit or replace deployment '{record['name']}': previous deployment from "
        f"'{began}' is still active (expiration time is '{until}'). "
        "Please see https://aka.ms/arm-deploy for usage details.",
    )


def invalid_name(name: str) -> WireError:
    """A name that no deployment can have."""
    text = (
        f"{UNVERIFIED}The deployment name '{name}' is not valid: at most 64 letters, digits, "
        "'-', '.', '(', ')' or '_'."
    )
    return refusal(400, "InvalidDeploymentName", text)


# 4 · Routes: parse, ask the engine, render ------------------------------------


def create_or_update(world: World, request: Request) -> Reply:
    """Begin a deployment: 201, or 200 in place of an earlier one."""
    id_ = _id(world, request)
    properties, tags = deployment_body(request)
    old = world.state(Deployments).get(id_)
    if old and old["state"] not in ENDED:
        raise deployment_active(old)
    foresee(world, caller_of(request), id_, properties)  # refused whole, before anything is made
    record = engine.start(world, caller_of(request), id_, properties, tags)
    headers = {"azure-asyncoperation": status_url(request, record), **poll_headers(world)}
    return Reply(to_wire(record), 200 if old else 201, headers)


def get(world: World, request: Request) -> Reply:
    """One deployment."""
    return Reply(to_wire(find(world, request)))


def check_existence(world: World, request: Request) -> Reply:
    """204 when there is such a deployment, 404 when not."""
    found = world.state(Deployments).get(_id(world, request))
    return Reply(None, 204 if found else 404)


def delete(world: World, request: Request) -> Reply:
    """Forget a deployment that has ended; what it made stays."""
    record = find(world, request)
    if record["state"] not in ENDED:
        raise deployment_active(record)
    world.state(Deployments).remove(record["id"])
    return Reply(None, 204)


@takes("$top")
def list_by_group(world: World, request: Request) -> Reply:
    """The deployments of a group, newest first."""
    records = world.state(Deployments).in_group(_group_id(world, request))
    top = int(request.query.get("$top") or len(records) or 1)
    return Reply({"value": [to_wire(record) for record in records[:top]]})


def validate(world: World, request: Request) -> Reply:
    """What the deployment would be, or why it is refused. Nothing is made."""
    id_ = _id(world, request)
    properties, _ = deployment_body(request)
    seen = foresee(world, caller_of(request), id_, properties)
    resources = [{"id": planned.id} for planned in seen.resources]
    return Reply(to_wire(seen.record, timestamp=now(world), validatedResources=resources))


def what_if_(world: World, request: Request) -> Reply:
    """What the deployment would change, resource by resource."""
    id_ = _id(world, request)
    properties, _ = deployment_body(request)
    changes = what_if(world, caller_of(request), id_, properties)
    return Reply({"status": "Succeeded", "properties": {"changes": changes}})


def export_template(world: World, request: Request) -> Reply:
    """The template that was deployed."""
    record = find(world, request)
    return Reply({"template": world.state(Deployments).inputs(record["id"])["template"]})


def cancel(world: World, request: Request) -> Reply:
    """501: a deployment of the sandbox runs to its end."""
    raise not_emulated("cancelling a deployment")


@takes("$top")
def list_operations(world: World, request: Request) -> Reply:
    """What the deployment did, resource by resource."""
    found = _operations(world, find(world, request))
    top = int(request.query.get("$top") or len(found) or 1)
    return Reply({"value": found[:top]})


def get_operation(world: World, request: Request) -> Reply:
    """One operation."""
    wanted = request.args["operation"].lower()
    for one in _operations(world, find(world, request)):
        if one["operationId"].lower() == wanted:
            return Reply(one)
    text = f"{UNVERIFIED}The deployment operation '{wanted}' could not be found."
    raise refusal(404, "DeploymentOperationNotFound", text)


@takes("t", "c", "s", "h")
def operation_status(world: World, request: Request) -> Reply:
    """How the deployment is doing: Running, Succeeded, or Failed and why."""
    record = find(world, request)
    if record["state"] not in ENDED:
        return Reply({"status": "Running"}, headers=poll_headers(world))
    error = {"error": record["error"]} if record.get("error") else {}
    return Reply({"status": record["state"], **error})


def _operations(world: World, record: Json) -> list[Json]:
    steps = world.state(Deployments).steps(record["id"])
    found = [operation(record["id"], step) for step in steps if step["state"] != "Skipped"]
    return found + ([last_operation(record)] if record["state"] == "Succeeded" else [])


def _group_id(world: World, request: Request) -> ResourceId:
    args = request.args
    path = f"/subscriptions/{args['subscription']}/resourceGroups/{args['group']}"
    return str(world.state(Groups).find(path)["id"])  # in the casing it was made with


def _id(world: World, request: Request) -> ResourceId:
    name = request.args["deployment"]
    if not re.fullmatch(r"[-\w.()]{1,64}", name):
        raise invalid_name(name)
    return f"{_group_id(world, request)}/providers/{TYPE}/{name}"


_ALL = (
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Resources/deployments"
)
_ONE = _ALL + "/{deployment}"
_OLD = "/subscriptions/{subscription}/resourceGroups/{group}/deployments/{deployment}/operations"
# The operations have an older address too, without the provider; the SDKs use that one.
_OLD = "/subscriptions/{subscription}/resourceGroups/{group}/deployments/{deployment}"

ROUTES = (
    Route("PUT", _ONE, create_or_update, TYPE),
    Route("GET", _ONE, get, TYPE),
    Route("HEAD", _ONE, check_existence, TYPE),
    Route("DELETE", _ONE, delete, TYPE),
    Route("GET", _ALL, list_by_group, TYPE),
    Route("POST", _ONE + "/validate", validate, TYPE),
    Route("POST", _ONE + "/whatIf", what_if_, TYPE),
    Route("POST", _ONE + "/exportTemplate", export_template, TYPE),
    Route("POST", _ONE + "/cancel", cancel, TYPE),
    Route("GET", _ONE + "/operations", list_operations, TYPE),
    Route("GET", _ONE + "/operations/{operation}", get_operation, TYPE),
    Route("GET", _OLD + "/operations", list_operations, TYPE),
    Route("GET", _OLD + "/operations/{operation}", get_operation, TYPE),
    Route("GET", _OLD, list_operations, TYPE),
    Route("GET", _OLD + "/{operation}", get_operation, TYPE),
    Route("GET", _ONE + "/operationStatuses/{operation}", operation_status, TYPE),
)
