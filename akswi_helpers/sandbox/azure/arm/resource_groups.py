"""Resource groups: made, listed, tagged, and deleted with everything in them.

    PUT /subscriptions/{subscription}/resourceGroups/{group}
    GET /subscriptions/{subscription}/resourceGroups/{group}
    HEAD /subscriptions/{subscription}/resourceGroups/{group}
    PATCH /subscriptions/{subscription}/resourceGroups/{group}
    DELETE /subscriptions/{subscription}/resourceGroups/{group}
    GET /subscriptions/{subscription}/resourceGroups
    GET /subscriptions/{subscription}/operationresults/{token}

Source: https://learn.microsoft.com/rest/api/resources/resource-groups and recorded exchanges.
Left out: exportTemplate, forceDeletionTypes, locks.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re

from akswi_helpers.sandbox.azure.arm import authorization, refusals
from akswi_helpers.sandbox.azure.arm.operations import poll_headers
from akswi_helpers.sandbox.azure.arm.property_tables import checked
from akswi_helpers.sandbox.azure.arm.requests import ANYONE, caller_of, tags_of, takes
from akswi_helpers.sandbox.azure.arm.resource_ids import group_id, group_of, name_of
from akswi_helpers.sandbox.azure.arm.resources import Resources, location_of
from akswi_helpers.sandbox.dials import Dials
from akswi_helpers.sandbox.templates.records import Deployments
from akswi_helpers.sandbox.wire import (
    UNVERIFIED,
    Reply,
    Request,
    Route,
    WireError,
    not_emulated,
)
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, ResourceId

# 1 · Shapes: what is stored, and how it looks on the wire ---------------------

TYPE = "Microsoft.Resources/resourceGroups"
ACTIONS = "Microsoft.Resources/subscriptions/resourceGroups"
PATH = "/subscriptions/{subscription}/resourceGroups/{group}"


def document_of(resource_id: ResourceId, location: str, tags: Json, managed_by: str = "") -> Json:
    """A new group as Azure shows it."""
    managed = {"managedBy": managed_by} if managed_by else {}
    return {
        "id": resource_id,
        "name": name_of(resource_id),
        "type": TYPE,
        "location": location,
        **managed,
        "tags": tags,
        "properties": {"provisioningState": "Succeeded"},
    }


def deletion_token(group: str, location: str) -> str:
    """The last segment of the address that a group's deletion is polled at."""
    name = re.sub(r"[^A-Z0-9]", lambda found: f":{ord(found[0]):02X}", group.upper())
    job = {
        "jobId": f"RESOURCEGROUPDELETIONJOB-{name}-{location.upper()}",
        "jobLocation": location,
    }
    raw = json.dumps(job, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def deleted_name(token: str) -> str:
    """The upper-case group name in a token of `deletion_token`; "" when it is none."""
    try:
        job = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        name = str(job["jobId"]).removeprefix("RESOURCEGROUPDELETIONJOB-").rpartition("-")[0]
    except (ValueError, KeyError, TypeError):
        return ""
    return re.sub(r":([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), name)


# 2 · State: the groups --------------------------------------------------------

PAUSE_S = 0.1  # between two looks at the clock


class Groups:
    """Every resource group, keyed by id without regard to case."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rows = world.table("arm.groups")
        self._deletions = world.table("arm.group-deletions")  # id -> {"began"}

    def get(self, resource_id: ResourceId) -> Json | None:
        """The group, or None."""
        return self._rows.get(group_of(resource_id).lower())

    def find(self, resource_id: ResourceId) -> Json:
        """The group. Raises WireError ResourceGroupNotFound."""
        document = self.get(resource_id)
        if document is None:
            raise refusals.group_not_found(name_of(resource_id))
        return document

    def put(self, document: Json) -> Json:
        """Store a group, new or changed; returns it."""
        self._rows.put(document["id"].lower(), document)
        return document

    def all(self) -> list[Json]:
        """Every group, in the order they were made."""
        return list(self._rows.values())

    def mark_deleting(self, document: Json) -> None:
        """Nothing new goes into it from now on; its deletion begins after the commit."""
        self.put({**document, "properties": {"provisioningState": "Deleting"}})
        self._deletions.put(document["id"].lower(), {"began": self._world.clock.now()})
        self._world.after_commit(lambda: self._spawn(document["id"]))

    def wipe(self, resource_id: ResourceId) -> None:
        """Delete the group and each resource in it as its provider deletes it."""
        resources, group = self._world.state(Resources), self.find(resource_id)
        subscription = resource_id.split("/")[2]
        for one in resources.in_group(subscription, group["name"]):
            if resources.get(one["id"]) is not None:
                resources.remove(one["id"])
        self._world.state(Deployments).remove_group(resource_id)
        authorization.forget_scope(self._world, resource_id)
        self._rows.remove(resource_id.lower())
        if resource_id.lower() in self._deletions:
            self._deletions.remove(resource_id.lower())

    def resume(self) -> None:
        """Go on with every deletion that was under way."""
        for group in self.all():
            if group["properties"]["provisioningState"] == "Deleting":
                self._spawn(group["id"])

    def _spawn(self, resource_id: ResourceId) -> None:
        self._world.surroundings.spawn(self._delete(resource_id))

    async def _delete(self, resource_id: ResourceId) -> None:
        began = self._deletions.get(resource_id.lower(), {"began": 0})["began"]
        while not self._world.state(Dials).due("group-delete", began):
            await asyncio.sleep(PAUSE_S)
        with self._world.transaction():
            if self.get(resource_id) is not None:
                self.wipe(resource_id)


def resume(world: World) -> None:
    """Go on with what a killed sandbox had begun to delete."""
    world.state(Groups).resume()


# 3 · Errors: this service's codes ---------------------------------------------


def invalid_name(name: str) -> WireError:
    """A name that no group can have."""
    text = (
        f"The provided resource group name '{name}' has these invalid characters or endings. The "
        "name can only be a letter, digit, '-', '.', '(', ')' or '_' and cannot end with '.'."
    )
    return refusals.refusal(400, "InvalidResourceGroup", UNVERIFIED + text)


def location_changed(there: str, here: str) -> WireError:
    """A group stays where it was made."""
    text = (
        f"Invalid resource group location '{here}'. The Resource group already exists in location "
        f"'{there}'."
    )
    return refusals.refusal(409, "InvalidResourceGroupLocation", UNVERIFIED + text)


# 4 · Routes: parse, ask the state, render -------------------------------------


def create_or_update(world: World, request: Request) -> Reply:
    """Make a group, or change its tags."""
    wanted, body = _id(request), checked(TYPE, request.json())
    if not re.fullmatch(r"[-\w.()]{0,89}[-\w()]", request.args["group"]):
        raise invalid_name(request.args["group"])
    groups, location = world.state(Groups), location_of(TYPE, body)
    found = groups.get(wanted)
    if found is None:
        made = document_of(wanted, location, tags_of(body), str(body.get("managedBy", "")))
        return Reply(groups.put(made), 201)
    if found["location"] != location:
        raise location_changed(found["location"], location)
    return Reply(groups.put({**_standing(found), "tags": tags_of(body)}))


def get(world: World, request: Request) -> Reply:
    """One group."""
    return Reply(world.state(Groups).find(_id(request)))


def check_existence(world: World, request: Request) -> Reply:
    """204 when the group is there, 404 when not."""
    return Reply(None, 204 if world.state(Groups).get(_id(request)) else 404)


def update(world: World, request: Request) -> Reply:
    """Change a group's tags."""
    found, body = (
        world.state(Groups).find(_id(request)),
        checked(TYPE, request.json(), partial=True),
    )
    changed = {**_standing(found), **({"tags": tags_of(body)} if "tags" in body else {})}
    return Reply(world.state(Groups).put(changed))


def delete(world: World, request: Request) -> Reply:
    """Begin to delete a group: 202 and where to ask when it is gone."""
    group = world.state(Groups).find(_id(request))
    if group["properties"]["provisioningState"] != "Deleting":
        world.state(Groups).mark_deleting(group)
    return _still_deleting(world, request, deletion_token(group["name"], group["location"]))


@takes("$filter", "$top")
def list_groups(world: World, request: Request) -> Reply:
    """The groups that the caller may read; $filter by one tag."""
    caller = caller_of(request).object_id
    groups = [
        group
        for group in world.state(Groups).all()
        if authorization.allowed(world, caller, f"{ACTIONS}/read", group["id"])
    ]
    wanted = _tag_filter(request.query.get("$filter", ""))
    found = [group for group in groups if wanted.items() <= group["tags"].items()]
    return Reply({"value": found[: int(request.query.get("$top") or len(found) or 1)]})


def deletion_status(world: World, request: Request) -> Reply:
    """202 while the group of this token is being deleted, then 200."""
    name = deleted_name(request.args["token"])
    group = world.state(Groups).get(group_id(request.args["subscription"], name))
    if group and group["properties"]["provisioningState"] == "Deleting":
        return _still_deleting(world, request, request.args["token"])
    return Reply(None, 200)


def _id(request: Request) -> ResourceId:
    return group_id(request.args["subscription"], request.args["group"])


def _standing(group: Json) -> Json:
    if group["properties"]["provisioningState"] == "Deleting":
        raise refusals.group_being_deleted(group["name"])
    return group


def _still_deleting(world: World, request: Request, token: str) -> Reply:
    version = request.query.get("api-version", "")
    path = f"/subscriptions/{request.args['subscription']}/operationresults/{token}"
    place = f"https://{request.host}{path}?api-version={version}"
    return Reply(None, 202, {"location": place, **poll_headers(world)})


def _tag_filter(text: str) -> Json:
    if not text.strip():
        return {}
    found = re.fullmatch(r"tagName eq '([^']*)'(?: and tagValue eq '([^']*)')?", text.strip())
    if not found or found[2] is None:
        raise not_emulated(f"the $filter {text!r} over resource groups")
    return {found[1]: found[2]}


ROUTES = (
    Route("PUT", PATH, create_or_update, TYPE, f"{ACTIONS}/write"),
    Route("GET", PATH, get, TYPE, f"{ACTIONS}/read"),
    Route("HEAD", PATH, check_existence, TYPE, f"{ACTIONS}/read"),
    Route("PATCH", PATH, update, TYPE, f"{ACTIONS}/write"),
    Route("DELETE", PATH, delete, TYPE, f"{ACTIONS}/delete"),
    Route("GET", "/subscriptions/{subscription}/resourceGroups", list_groups, TYPE, ANYONE),
    Route(
        "GET",
        "/subscriptions/{subscription}/operationresults/{token}",
        deletion_status,
        TYPE,
        ANYONE,
    ),
)
