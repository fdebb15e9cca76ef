"""Role assignments and role definitions: who may do what, and where.

    PUT /{scope+}/providers/Microsoft.Authorization/roleAssignments/{name}
    GET /{scope+}/providers/Microsoft.Authorization/roleAssignments/{name}
    DELETE /{scope+}/providers/Microsoft.Authorization/roleAssignments/{name}
    GET /{scope+}/providers/Microsoft.Authorization/roleAssignments
    GET /{scope+}/providers/Microsoft.Authorization/roleDefinitions
    GET /{scope+}/providers/Microsoft.Authorization/roleDefinitions/{name}

Source: https://learn.microsoft.com/rest/api/authorization, api-version 2022-04-01. Left out:
conditions on anything but role assignments (501; see `conditions`), deny assignments, custom roles,
groups of people, management groups.
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime

from akswi_helpers.sandbox.azure.arm import conditions
from akswi_helpers.sandbox.azure.arm import role_refusals as sayings
from akswi_helpers.sandbox.azure.arm.conditions import Attributes
from akswi_helpers.sandbox.azure.arm.property_tables import checked
from akswi_helpers.sandbox.azure.arm.requests import caller_of, takes
from akswi_helpers.sandbox.azure.arm.resource_ids import name_of, path_of, within
from akswi_helpers.sandbox.azure.arm.roles import (
    DEFINITIONS,
    OWNER,
    Role,
    all_roles,
    definition_document,
    definition_id,
)
from akswi_helpers.sandbox.azure.entra.directory import Directory
from akswi_helpers.sandbox.late import LateTable
from akswi_helpers.sandbox.wire import (
    MalformedBody,
    Reply,
    Request,
    Route,
    WireError,
    not_emulated,
)
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, ObjectId

# 1 · Shapes: what is stored, and how it looks on the wire ---------------------

TYPE = "Microsoft.Authorization/roleAssignments"


def assignment_document(
    scope: str, name: str, properties: Json, by: ObjectId, now: float, old: Json | None = None
) -> Json:
    """A role assignment as it is stored and shown."""
    moment = datetime.fromtimestamp(now, UTC).isoformat(timespec="microseconds")[:-6] + "0Z"
    before = old["properties"] if old else {"createdOn": moment, "createdBy": by}
    return {
        "properties": {
            "roleDefinitionId": properties["roleDefinitionId"],
            "principalId": properties["principalId"],
            "principalType": properties.get("principalType") or "ServicePrincipal",
            "scope": scope,
            "condition": properties.get("condition") or None,
            "conditionVersion": properties.get("conditionVersion") or None,
            "createdOn": before["createdOn"],
            "updatedOn": moment,
            "createdBy": before["createdBy"],
            "updatedBy": by,
            "delegatedManagedIdentityResourceId": None,
            "description": properties.get("description"),
        },
        "id": f"{scope}/providers/{TYPE}/{name}",
        "type": TYPE,
        "name": name,
    }


def role_of(assignment: Json) -> str:
    """The GUID of the role that an assignment gives."""
    return name_of(assignment["properties"]["roleDefinitionId"]).lower()


# 2 · State: the assignments ---------------------------------------------------


class Assignments:
    """Every role assignment, keyed by its name: a GUID that is unique in the tenant."""

    def __init__(self, world: World) -> None:
        self._rows = LateTable(world, "authorization.assignments", "role-assignment")

    def get(self, name: str) -> Json | None:
        """The assignment of that name, wherever its scope, or None."""
        return self._rows.get(name.lower())

    def at(self, scope: str, name: str) -> Json | None:
        """The assignment of that name when this is its scope, or None."""
        found = self.get(name)
        same = found and found["properties"]["scope"].lower() == scope.lower()
        return found if same else None

    def put(self, document: Json) -> Json:
        """Store an assignment; returns it."""
        self._rows.put(document["name"].lower(), document)
        return document

    def remove(self, name: str, *, at_once: bool = False) -> None:
        """Take an assignment away; unless `at_once`, it may count for a while."""
        (self._rows.forget if at_once else self._rows.remove)(name.lower())

    def counting(self, object_id: ObjectId, scope: str) -> list[Json]:
        """A principal's that count at `scope` now, which are not always those that are listed."""
        # `within`, its first half said once: somebody who has a hundred labs has many assignments.
        mine, inner = object_id.lower(), path_of(scope).lower() + "/"
        about = ((one, one["properties"]) for one in self._rows.seen.values())
        return [
            one
            for one, says in about
            if inner.startswith(path_of(says["scope"]).lower().rstrip("/") + "/")
            and says["principalId"].lower() == mine
        ]

    def all(self) -> list[Json]:
        """Every assignment, in the order they were made."""
        return list(self._rows.values())

    def above(self, scope: str) -> list[Json]:
        """Those that hold at `scope`: at it or above."""
        return [one for one in self.all() if within(scope, one["properties"]["scope"])]

    def around(self, scope: str) -> list[Json]:
        """Those that hold at `scope` and those under it."""
        below = [one for one in self.all() if within(one["properties"]["scope"], scope)]
        return below + [one for one in self.above(scope) if one not in below]

    def twin(self, document: Json) -> Json | None:
        """Another assignment of the same role to the same principal at the same scope."""
        wanted = _key(document)
        others = (one for one in self.all() if one["name"].lower() != document["name"].lower())
        return next((one for one in others if _key(one) == wanted), None)


def allowed(
    world: World,
    object_id: ObjectId,
    action: str,
    scope: str,
    *,
    data: bool = False,
    about: Attributes | None = None,
) -> bool:
    """Whether a principal may do `action` at `scope`; one that is gone may do nothing.

    `data` asks for a data action (Key Vault, AKS) instead of a control-plane one; `about` is what
    conditions may ask of a write or deletion of role assignments. Role assignments at the scope and
    above count, and are read anew at every call.
    """
    for one, role in held(world, object_id, scope):
        if role.allows(action, data=data):
            condition = one["properties"].get("condition")
            if conditions.holds(condition, action, about or {}):
                return True
    return False


def held(world: World, object_id: ObjectId, scope: str) -> list[tuple[Json, Role]]:
    """The assignments of a principal that hold at `scope`, each with its role."""
    if not object_id or world.state(Directory).find(object_id) is None:
        return []
    found = (
        (one, all_roles().get(role_of(one)))
        for one in world.state(Assignments).counting(object_id, scope)
    )
    return [(one, role) for one, role in found if role]


def attributes(world: World, request: Request, action: str) -> Attributes:
    """What a condition may ask of this request: the assignment it would write or take away."""
    if action.lower() == f"{TYPE}/write".lower():
        try:
            return conditions.of_assignment("request", request.json().get("properties") or {})
        except MalformedBody:
            return {}
    if action.lower() == f"{TYPE}/delete".lower():
        found = world.state(Assignments).get(request.args["name"])
        return conditions.of_assignment("resource", found["properties"]) if found else {}
    return {}


def seed(world: World, object_id: ObjectId) -> None:
    """Make a principal Owner of the subscription, once; inside a transaction."""
    scope = f"/subscriptions/{world.subscription_id}"
    name = world.ids.fixed("owner", object_id)
    if world.state(Assignments).get(name) is None:
        role = definition_id(world.subscription_id, OWNER)
        properties = {"roleDefinitionId": role, "principalId": object_id}
        document = assignment_document(scope, name, properties, object_id, world.clock.now())
        world.state(Assignments).put(document)


def forget_scope(world: World, scope: str) -> None:
    """Drop the assignments at and under a scope that is gone."""
    assignments = world.state(Assignments)
    for one in assignments.all():
        if within(one["properties"]["scope"], scope):
            assignments.remove(one["name"], at_once=True)


def _key(document: Json) -> tuple[str, str, str]:
    values = document["properties"]
    return values["scope"].lower(), values["principalId"].lower(), role_of(document)


# 3 · Errors: in role_refusals.py ---------------------------------------------


# 4 · Routes: parse, ask the state, render -------------------------------------


def create(world: World, request: Request) -> Reply:
    """Assign a role; the same assignment again changes nothing."""
    scope, name = path_of(request.args["scope"]), request.args["name"]
    properties = _properties(world, scope, name, checked(TYPE, request.json())["properties"])
    by, now = caller_of(request).object_id, world.clock.now()
    assignments, old = world.state(Assignments), world.state(Assignments).get(name)
    made = assignment_document(scope, name, properties, by, now, old)
    if old is not None and _key(old) != _key(made):
        raise sayings.update_not_permitted()
    if twin := assignments.twin(made):
        raise sayings.assignment_exists(twin)
    same = old is not None and _without_times(old) == _without_times(made)
    shown = old if same and old else assignments.put(made)
    return Reply(_just_written(shown), 201)


def get(world: World, request: Request) -> Reply:
    """One assignment."""
    return Reply(_found(world, request))


def delete(world: World, request: Request) -> Reply:
    """Take an assignment away: 200 with what it was, 204 when there was none."""
    scope, name = path_of(request.args["scope"]), request.args["name"]
    found = world.state(Assignments).at(scope, name)
    if found is None:
        return Reply(None, 204)
    world.state(Assignments).remove(name)
    return Reply(found)


@takes("$filter")
def list_for_scope(world: World, request: Request) -> Reply:
    """Assignments at, above and (unless atScope()) below a scope."""
    scope = path_of(request.args["scope"])
    _require_scope(world, scope)
    clauses = re.split(r"\s+and\s+", request.query.get("$filter", "").strip())
    found = world.state(Assignments).around(scope)
    for clause in filter(None, clauses):
        found = [one for one in found if _passes(clause, one, scope)]
    return Reply({"value": found})


@takes("$filter")
def list_definitions(world: World, request: Request) -> Reply:
    """Built-in roles; $filter by roleName or type."""
    text = request.query.get("$filter", "").strip()
    rows = [definition_document(role, world.subscription_id) for role in all_roles().values()]
    if text in ("", "atScopeAndBelow()", "type eq 'BuiltInRole'"):
        return Reply({"value": rows})
    if text == "type eq 'CustomRole'":
        return Reply({"value": []})
    named = re.fullmatch(r"roleName eq '(.*)'", text)
    if not named:
        raise _filter_not_emulated(text)
    wanted = named[1].replace("''", "'").lower()
    return Reply(
        {"value": [row for row in rows if row["properties"]["roleName"].lower() == wanted]}
    )


def get_definition(world: World, request: Request) -> Reply:
    """One built-in role."""
    role = all_roles().get(request.args["name"].lower())
    if role is None:
        raise sayings.definition_not_found(request.args["name"])
    return Reply(definition_document(role, world.subscription_id))


def _found(world: World, request: Request) -> Json:
    found = world.state(Assignments).at(path_of(request.args["scope"]), request.args["name"])
    if found is None:
        raise sayings.assignment_not_found(request.args["name"])
    return found


def _properties(world: World, scope: str, name: str, sent: Json) -> Json:
    """The checked properties, the role's id in its subscription form. Raises WireError."""
    if not _is_guid(name):
        raise sayings.invalid_assignment_id(name)
    _require_scope(world, scope)
    if sent.get("delegatedManagedIdentityResourceId"):
        what = "properties.delegatedManagedIdentityResourceId"
        raise not_emulated(f"the property '{what}' of {TYPE}")
    _check_condition(sent.get("condition"), sent.get("conditionVersion"))
    role = name_of(sent["roleDefinitionId"]).lower()
    if role not in all_roles():
        raise sayings.definition_not_found(role)
    _check_principal(world, sent)
    return {**sent, "roleDefinitionId": definition_id(world.subscription_id, role)}


def _check_condition(text: str | None, version: str | None) -> None:
    if (text or version) and version != "2.0":
        raise sayings.condition_version(str(version or ""))
    try:
        if text:
            conditions.read(text)
    except conditions.BadCondition as error:
        raise sayings.invalid_condition(str(error)) from error
    except conditions.NotUnderstood as error:
        raise not_emulated(f"'{error}' in a condition of {TYPE}") from error


def _check_principal(world: World, sent: Json) -> None:
    known = world.state(Directory).knows(sent["principalId"])
    wanted = sent.get("principalType")
    if not known and not wanted:
        raise sayings.principal_not_found(sent["principalId"], world.tenant_id)
    if known and wanted and wanted != "ServicePrincipal":
        raise sayings.unmatched_principal_type(sent["principalId"], wanted)


def _require_scope(world: World, scope: str) -> None:
    """Raise WireError unless what the scope names is there."""
    from akswi_helpers.sandbox.azure.arm.existence import require

    require(world, scope)


def _passes(clause: str, one: Json, scope: str) -> bool:
    if clause.lower() == "atscope()":
        return within(scope, one["properties"]["scope"])
    found = re.fullmatch(r"(?:principalId eq |assignedTo\()'([^']*)'\)?", clause, re.IGNORECASE)
    if not found:
        raise _filter_not_emulated(clause)
    return str(one["properties"]["principalId"]).lower() == found[1].lower()


def _filter_not_emulated(text: str) -> WireError:
    return not_emulated(f"the $filter {text!r} of Microsoft.Authorization")


def _is_guid(name: str) -> bool:
    try:
        return str(uuid.UUID(name)) == name.lower()
    except ValueError:
        return False


def _without_times(document: Json) -> Json:
    values = document["properties"]
    return {k: v for k, v in values.items() if not k.startswith(("created", "updated"))}


def _just_written(document: Json) -> Json:
    return {**document, "properties": {**document["properties"], "createdBy": None}}


_ASSIGNMENTS = "/{scope+}/providers/Microsoft.Authorization/roleAssignments"
_DEFINITIONS = "/{scope+}/providers/Microsoft.Authorization/roleDefinitions"

ROUTES = (
    Route("PUT", _ASSIGNMENTS + "/{name}", create, TYPE),
    Route("GET", _ASSIGNMENTS + "/{name}", get, TYPE),
    Route("DELETE", _ASSIGNMENTS + "/{name}", delete, TYPE),
    Route("GET", _ASSIGNMENTS, list_for_scope, TYPE),
    Route("GET", _DEFINITIONS, list_definitions, DEFINITIONS),
    Route("GET", _DEFINITIONS + "/{name}", get_definition, DEFINITIONS),
)
