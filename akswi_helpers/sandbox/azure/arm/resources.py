"""Azure resources: what every provider stores in one place, and the lists over all of them.

    GET /subscriptions/{subscription}/resources
    GET /subscriptions/{subscription}/resourceGroups/{group}/resources
    GET /{scope+}/providers/Microsoft.Resources/tags/default
    PUT /{scope+}/providers/Microsoft.Resources/tags/default
    PATCH /{scope+}/providers/Microsoft.Resources/tags/default
    DELETE /{scope+}/providers/Microsoft.Resources/tags/default

Source: https://learn.microsoft.com/rest/api/resources/resources and /tags. Left out: moving,
exporting; filters other than on type, name and tag.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from akswi_helpers.sandbox.azure.arm import authorization, refusals
from akswi_helpers.sandbox.azure.arm.property_tables import arm_data
from akswi_helpers.sandbox.azure.arm.requests import ANYONE, caller_of, takes
from akswi_helpers.sandbox.azure.arm.resource_ids import (
    group_id,
    group_of,
    name_of,
    path_of,
    type_of,
)
from akswi_helpers.sandbox.azure.arm.timestamps import iso
from akswi_helpers.sandbox.wire import Reply, Request, Route, WireError, not_emulated
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, ResourceId

# 1 · Shapes: what is stored, and how it looks on the wire ---------------------

LISTED = ("id", "name", "type", "location", "kind", "managedBy", "sku", "identity", "tags")
"""The fields of a resource in a list over all types."""

Deleter = Callable[[World, Json], None]

_ON_DELETE: dict[str, list[Deleter]] = {}


def on_delete(kind: str, deleter: Deleter) -> None:
    """Let `deleter(world, document)` run when a resource of that type goes."""
    _ON_DELETE.setdefault(kind.lower(), []).append(deleter)


def location_of(kind: str, body: Json) -> str:
    """The body's region as Azure writes it: "westeurope". Raises WireError when it is none."""
    if not body.get("location"):
        raise refusals.location_required()
    location = str(body["location"]).replace(" ", "").lower()
    known = arm_data("locations")
    if location not in known:
        raise refusals.location_not_available(location, kind, known)
    return location


def summary(document: Json) -> Json:
    """A resource as the lists over all types show it."""
    return {name: document[name] for name in LISTED if document.get(name) is not None}


# 2 · State: the one table of resources ----------------------------------------


class Resources:
    """Every resource of this sandbox, keyed by id without regard to case."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rows = world.table("arm.resources")  # lower-case id -> the document
        self._times = world.table("arm.times")  # lower-case id -> {"created", "changed"}
        self._found: dict[str, str] = {}  # where `called` found something last

    def get(self, resource_id: ResourceId) -> Json | None:
        """The stored document, or None."""
        return self._rows.get(path_of(resource_id).lower())

    def find(self, resource_id: ResourceId) -> Json:
        """The stored document. Raises WireError ResourceNotFound."""
        document = self.get(resource_id)
        if document is None:
            raise refusals.resource_not_found(path_of(resource_id))
        return document

    def put(self, resource_id: ResourceId, document: Json) -> Json:
        """Store the document, new or changed; returns it."""
        key, now = path_of(resource_id).lower(), self._world.clock.now()
        self._rows.put(key, document)
        self._times.put(key, {"created": now, **self._times.get(key, {}), "changed": now})
        return document

    def times(self, document: Json) -> Json:
        """When a resource was made and last changed: {"created", "changed"}."""
        return self._times[document["id"].lower()]

    def remove(self, resource_id: ResourceId) -> None:
        """Delete a resource and what hangs on it, each as its provider deletes it."""
        document = self.find(resource_id)
        inner = [one for one in self._under(resource_id) if one is not document]
        for one in [*inner, document]:
            if self.get(one["id"]) is not None:
                self._remove_one(one)

    def in_group(self, subscription: str, group: str) -> list[Json]:
        """The resources of a group, children included, in the order they were made."""
        return list(self._under(group_id(subscription, group)))

    def of_type(self, kind: str, scope: str) -> list[Json]:
        """The resources of one type at or under `scope`."""
        return [one for one in self._under(scope) if type_of(one["id"]).lower() == kind.lower()]

    def called(self, kind: str, name: str) -> Json | None:
        """The resource of a type whose names nobody else may take, or None: a vault."""
        sought = f"/providers/{kind}/{name}".lower()
        key = self._found.get(sought, "")
        if key not in self._rows:
            key = next((one for one in self._rows if one.endswith(sought)), "")
            if key:
                self._found[sought] = key
        return self._rows.get(key)

    def top(self, scope: str) -> list[Json]:
        """The resources that Azure's own lists name: no children, nothing that hangs on another."""
        return [one for one in self._under(scope) if _is_top(one["id"])]

    def _under(self, scope: str) -> Iterator[Json]:
        # `within`, for keys that are in lower case already: this walks over every lab's resources.
        outer = path_of(scope).lower()
        inside = "/" if outer == "/" else outer + "/"
        rows = list(self._rows.items())
        return (one for key, one in rows if key.startswith(inside) or key == outer)

    def _remove_one(self, document: Json) -> None:
        kind = type_of(document["id"]).lower()
        for deleter in _ON_DELETE.get(kind, []):
            deleter(self._world, document)
        authorization.forget_scope(self._world, document["id"])
        self._rows.remove(document["id"].lower())
        self._times.remove(document["id"].lower())


def _is_top(resource_id: ResourceId) -> bool:
    return type_of(resource_id).count("/") == 1 and resource_id.lower().count("/providers/") == 1


def place(world: World, resource_id: ResourceId, kind: str, body: Json) -> tuple[Json | None, str]:
    """What stands at `resource_id` and the region asked for.

    Raises WireError when the region is none, or not the one where the resource is.
    """
    location = location_of(kind, body)
    found = world.state(Resources).get(resource_id)
    if found and found["location"] != location:
        group = name_of(group_of(resource_id))
        raise refusals.location_fixed(found["name"], group, found["location"], location)
    return found, location


# 3 · Errors: filters that are not served --------------------------------------


def filter_not_emulated(text: str) -> WireError:
    """A $filter of a form that is not served."""
    return not_emulated(f"the $filter {text!r} over resources")


# 4 · Routes: parse, ask the state, render -------------------------------------


@takes("$filter", "$top", "$expand")
def list_resources(world: World, request: Request) -> Reply:
    """The resources of the subscription that the caller may read."""
    return _listed(world, request, f"/subscriptions/{request.args['subscription']}")


@takes("$filter", "$top", "$expand")
def list_by_group(world: World, request: Request) -> Reply:
    """The resources of one group."""
    scope = group_id(request.args["subscription"], request.args["group"])
    return _listed(world, request, scope)


def get_tags(world: World, request: Request) -> Reply:
    """The tags of a resource."""
    return Reply(_tags_document(*_tagged(world, request)))


def put_tags(world: World, request: Request) -> Reply:
    """Replace the tags of a resource."""
    return _retag(world, request, dict(request.json().get("properties", {}).get("tags") or {}))


def update_tags(world: World, request: Request) -> Reply:
    """Merge, replace or delete tags of a resource."""
    body, (_, document) = request.json(), _tagged(world, request)
    sent = dict(body.get("properties", {}).get("tags") or {})
    old = dict(document.get("tags") or {})
    match str(body.get("operation", "")).lower():
        case "merge":
            return _retag(world, request, {**old, **sent})
        case "replace":
            return _retag(world, request, sent)
        case "delete":
            left = {name: value for name, value in old.items() if sent.get(name) != value}
            return _retag(world, request, left)
    raise refusals.invalid_request("The operation must be Merge, Replace or Delete.")


def delete_tags(world: World, request: Request) -> Reply:
    """Take every tag off a resource."""
    return _retag(world, request, {})


def _tagged(world: World, request: Request) -> tuple[ResourceId, Json]:
    scope = path_of(request.args["scope"])
    if "/providers/" not in scope.lower():
        from akswi_helpers.sandbox.azure.arm.resource_groups import Groups

        return scope, world.state(Groups).find(scope)
    return scope, world.state(Resources).find(scope)


def _retag(world: World, request: Request, tags: Json) -> Reply:
    scope, document = _tagged(world, request)
    changed = {**document, "tags": tags}
    if "/providers/" in scope.lower():
        world.state(Resources).put(scope, changed)
    else:
        from akswi_helpers.sandbox.azure.arm.resource_groups import Groups

        world.state(Groups).put(changed)
    return Reply(_tags_document(scope, changed))


def _tags_document(scope: ResourceId, document: Json) -> Json:
    return {
        "id": f"{scope}/providers/Microsoft.Resources/tags/default",
        "name": "default",
        "type": "Microsoft.Resources/tags",
        "properties": {"tags": document.get("tags") or {}},
    }


def _listed(world: World, request: Request, scope: str) -> Reply:
    caller = caller_of(request)
    wanted = _expansions(request.query.get("$expand", ""))
    found = _filtered(world.state(Resources).top(scope), request.query.get("$filter", ""))
    seen = [
        {**summary(one), **_expanded(world, one, wanted)}
        for one in found
        if authorization.allowed(world, caller.object_id, f"{one['type']}/read", one["id"])
    ]
    top = int(request.query.get("$top") or len(seen) or 1)
    return Reply({"value": seen[:top]})


def _expansions(text: str) -> list[str]:
    """The fields that $expand names. Raises WireError 501 for one that is not known here."""
    names = [name for name in text.split(",") if name]
    if unknown := [name for name in names if name not in _EXPANDED]:
        raise not_emulated(f"'{unknown[0]}' in the $expand of resources")
    return names


_EXPANDED = ("createdTime", "changedTime", "provisioningState")


def _expanded(world: World, document: Json, wanted: list[str]) -> Json:
    """The fields that $expand adds."""
    times = world.state(Resources).times(document)
    state = document.get("properties", {}).get("provisioningState", "Succeeded")
    values = (iso(times["created"]), iso(times["changed"]), state)
    return {name: value for name, value in zip(_EXPANDED, values, strict=True) if name in wanted}


def _filtered(documents: Iterable[Json], text: str) -> list[Json]:
    """The documents a filter lets through; its clauses are joined by `and`."""
    clauses = [clause.strip() for clause in re.split(r"\s+and\s+", text)] if text.strip() else []
    tag = {clause.split(" ")[0].lower(): _quoted(text, clause) for clause in clauses}
    left = list(documents)
    if "tagname" in tag:
        name, value = tag.pop("tagname"), tag.pop("tagvalue", None)
        left = [one for one in left if _has_tag(one, name, value)]
    if not tag.keys() <= _FIELDS.keys():
        raise filter_not_emulated(text)
    for field, value in tag.items():
        left = [one for one in left if _FIELDS[field](one).lower() == value.lower()]
    return left


_FIELDS: dict[str, Callable[[Json], str]] = {
    "resourcetype": lambda one: str(one["type"]),
    "name": lambda one: str(one["name"]),
    "location": lambda one: str(one.get("location", "")),
    "resourcegroup": lambda one: name_of(group_of(one["id"])),
}


def _quoted(text: str, clause: str) -> str:
    found = re.fullmatch(r"\w+ eq '([^']*)'", clause)
    if not found:
        raise filter_not_emulated(text)
    return found[1]


def _has_tag(document: Json, name: str, value: str | None) -> bool:
    tags = {key.lower(): text for key, text in (document.get("tags") or {}).items()}
    return name.lower() in tags and value in (None, tags[name.lower()])


_TAGS = "Microsoft.Resources/tags"
_TAGS_PATH = "/{scope+}/providers/Microsoft.Resources/tags/default"

ROUTES = (
    Route(
        "GET",
        "/subscriptions/{subscription}/resources",
        list_resources,
        "Microsoft.Resources/resourceGroups",
        ANYONE,
    ),
    Route(
        "GET",
        "/subscriptions/{subscription}/resourceGroups/{group}/resources",
        list_by_group,
        "Microsoft.Resources/resourceGroups",
        "Microsoft.Resources/subscriptions/resourceGroups/read",
    ),
    Route("GET", _TAGS_PATH, get_tags, _TAGS),
    Route("PUT", _TAGS_PATH, put_tags, _TAGS),
    Route("PATCH", _TAGS_PATH, update_tags, _TAGS),
    Route("DELETE", _TAGS_PATH, delete_tags, _TAGS),
)
