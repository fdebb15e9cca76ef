"""Virtual machine scale sets: the nodes of a cluster's pools, and the identities on them.

    GET …/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachineScaleSets
    GET …/providers/Microsoft.Compute/virtualMachineScaleSets
    GET …/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachineScaleSets/{name}
    PATCH …/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachineScaleSets/{name}
    GET …/providers/Microsoft.Compute/locations/{location}/operations/{operation}
    GET …/providers/Microsoft.Compute/locations/{location}/usages

Scale sets are made and deleted by AKS, in the cluster's node resource group. The identities of one
are what IMDS answers for on its nodes.

Source: https://learn.microsoft.com/rest/api/compute/virtual-machine-scale-sets and recorded
exchanges. Left out: making scale sets, instances, sizes, and every change but that of the identity
(501).
"""

from __future__ import annotations

from akswi_helpers.sandbox.azure.arm import authorization, refusals
from akswi_helpers.sandbox.azure.arm.operations import (
    Operations,
    headers_for,
    poll_headers,
    status_document,
)
from akswi_helpers.sandbox.azure.arm.requests import ANYONE, caller_of, takes
from akswi_helpers.sandbox.azure.arm.resource_ids import group_id, path_of
from akswi_helpers.sandbox.azure.arm.resources import Resources, location_of
from akswi_helpers.sandbox.azure.compute import quota
from akswi_helpers.sandbox.dials import Dials
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

TYPE = "Microsoft.Compute/virtualMachineScaleSets"
NAMESPACE = "Microsoft.Compute"
USAGES = f"{NAMESPACE}/locations/usages"


def scale_set_document(
    resource_id: ResourceId, location: str, tags: Json, identity: Json, size: str, count: int
) -> Json:
    """A scale set as AKS makes it for a node pool."""
    return {
        "name": resource_id.rpartition("/")[2],
        "id": resource_id,
        "type": TYPE,
        "location": location,
        "tags": tags,
        "identity": identity,
        "sku": {"name": size, "tier": "Standard", "capacity": count},
        "properties": {
            "singlePlacementGroup": False,
            "orchestrationMode": "Uniform",
            "upgradePolicy": {"mode": "Manual"},
            "provisioningState": "Succeeded",
            "overprovision": False,
            "uniqueId": "",
            "platformFaultDomainCount": 1,
        },
    }


def identity_of(world: World, ids: list[ResourceId]) -> Json:
    """The identity block of a scale set that carries these identities."""
    if not ids:
        return {"type": "None"}
    entries = {one: _ids_of(world.state(Resources).find(one)) for one in ids}
    return {"type": "UserAssigned", "userAssignedIdentities": entries}


def _ids_of(identity: Json) -> Json:
    values = identity["properties"]
    return {"principalId": values["principalId"], "clientId": values["clientId"]}


# 2 · State: scale sets are resources ------------------------------------------


def scale_set_of_node(world: World, node: str) -> Json | None:
    """The scale set that a node ("aks-npuser01-12345678-vmss000000") belongs to, or None."""
    scope = f"/subscriptions/{world.subscription_id}"
    for one in world.state(Resources).of_type(TYPE, scope):
        number = node.removeprefix(one["name"])
        if node.startswith(one["name"]) and number.isdigit() and len(number) == 6:
            return one if int(number) < one["sku"]["capacity"] else None
    return None


def identities_on_node(world: World, node: str) -> list[Json]:
    """The user-assigned identities that IMDS serves on a node, as identity documents.

    An identity that was deleted since is not among them.
    """
    found = scale_set_of_node(world, node)
    names = ((found or {}).get("identity") or {}).get("userAssignedIdentities") or {}
    documents = (world.state(Resources).get(name) for name in names)
    return [one for one in documents if one is not None]


# 3 · Errors: this service's codes ---------------------------------------------


def identity_missing(resource_id: ResourceId) -> WireError:
    """An identity that is not there cannot be put on a scale set."""
    text = f"Resource '{resource_id}' was not found."
    return WireError(400, "FailedIdentityOperation", UNVERIFIED + text)


def invalid_identity_type(text: str) -> WireError:
    """An identity block that contradicts itself."""
    return WireError(400, "InvalidParameter", UNVERIFIED + text)


def operation_not_found(name: str) -> WireError:
    """Nothing of that name was begun."""
    return WireError(404, "NotFound", UNVERIFIED + f"The operation '{name}' was not found.")


# 4 · Routes: parse, ask the state, render -------------------------------------


def list_by_group(world: World, request: Request) -> Reply:
    """The scale sets of a group."""
    scope = group_id(request.args["subscription"], request.args["group"])
    return Reply({"value": world.state(Resources).of_type(TYPE, scope)})


def list_by_subscription(world: World, request: Request) -> Reply:
    """The scale sets of the subscription."""
    scope = f"/subscriptions/{request.args['subscription']}"
    return Reply({"value": world.state(Resources).of_type(TYPE, scope)})


@takes("$expand")
def get(world: World, request: Request) -> Reply:
    """One scale set."""
    if request.query.get("$expand"):
        raise not_emulated(f"$expand of {TYPE}")
    return Reply(world.state(Resources).find(_id(request)))


def update(world: World, request: Request) -> Reply:
    """Change which identities a scale set carries; the answer shows new ones as {} still."""
    old, body = world.state(Resources).find(_id(request)), request.json()
    if unknown := set(body) - {"identity"}:
        raise not_emulated(f"changing '{sorted(unknown)[0]}' of {TYPE}")
    wanted = _wanted(old, body.get("identity") or {})
    _may_assign(world, request, wanted, old)
    new = world.state(Resources).put(old["id"], {**old, "identity": identity_of(world, wanted)})
    takes = world.state(Dials).value("scale-set-update")
    operation = world.state(Operations).begin(old["id"], done=True, takes=takes)
    headers = headers_for(world, request, NAMESPACE, old["location"], operation)
    shown = {**headers, "azure-asyncnotification": "Enabled"}
    return Reply(_updating(new, old), 200, shown)


def get_operation(world: World, request: Request) -> Reply:
    """How an operation stands."""
    found = world.state(Operations).get(request.args["operation"])
    if found is None:
        raise operation_not_found(request.args["operation"])
    return Reply(status_document(request.args["operation"], found), headers=poll_headers(world))


def list_usages(world: World, request: Request) -> Reply:
    """The cores used and allowed in a region."""
    location = location_of(USAGES, {"location": request.args["location"]})
    return Reply({"value": quota.usages(world, location)})


def _id(request: Request) -> ResourceId:
    args = request.args
    group = group_id(args["subscription"], args["group"])
    return f"{group}/providers/{TYPE}/{args['name']}"


def _wanted(old: Json, sent: Json) -> list[ResourceId]:
    """The identities a scale set has after a PATCH: named ones stay or come, null ones go."""
    kind = str(sent.get("type", ""))
    if "SystemAssigned" in kind:
        raise not_emulated(f"a system-assigned identity on {TYPE}")
    if kind == "None":
        return []
    if kind != "UserAssigned":
        raise invalid_identity_type(f"The identity type '{kind}' is not valid.")
    named = sent.get("userAssignedIdentities") or {}
    gone = {path_of(one).lower() for one, value in named.items() if value is None}
    kept = [path_of(one) for one, value in named.items() if value is not None]
    have = (old.get("identity") or {}).get("userAssignedIdentities") or {}
    known = {one.lower() for one in kept} | gone
    return [one for one in have if one.lower() not in known] + kept


def _may_assign(world: World, request: Request, wanted: list[ResourceId], old: Json) -> None:
    """Raise WireError for an identity that is not there or that the caller may not assign."""
    have = (old.get("identity") or {}).get("userAssignedIdentities") or {}
    before = {one.lower() for one in have}
    caller = caller_of(request)
    for one in wanted:
        if world.state(Resources).get(one) is None:
            raise identity_missing(one)
        action = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
        mine = authorization.allowed(world, caller.object_id, action, one)
        if one.lower() not in before and not mine:
            who = caller.client_id, caller.object_id
            raise refusals.authorization_failed(*who, action, one)


def _updating(new: Json, old: Json) -> Json:
    have = (old.get("identity") or {}).get("userAssignedIdentities") or {}
    before = {one.lower() for one in have}
    entries = (new["identity"]).get("userAssignedIdentities")
    identity = dict(new["identity"])
    if entries:
        shown = {one: ids if one.lower() in before else {} for one, ids in entries.items()}
        identity["userAssignedIdentities"] = shown
    properties = {**new["properties"], "provisioningState": "Updating"}
    return {**new, "identity": identity, "properties": properties}


_ALL = f"/subscriptions/{{subscription}}/providers/{TYPE}"
_GROUP = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{TYPE}"
_ONE = _GROUP + "/{name}"
_OPERATION = (
    f"/subscriptions/{{subscription}}/providers/{NAMESPACE}/locations/{{location}}"
    "/operations/{operation}"
)
_USAGES = f"/subscriptions/{{subscription}}/providers/{NAMESPACE}/locations/{{location}}/usages"

ROUTES = (
    Route("GET", _GROUP, list_by_group, TYPE),
    Route("GET", _ALL, list_by_subscription, TYPE),
    Route("GET", _ONE, get, TYPE),
    Route("PATCH", _ONE, update, TYPE),
    Route("GET", _OPERATION, get_operation, TYPE, ANYONE),
    Route("GET", _USAGES, list_usages, TYPE, f"{USAGES}/read"),
)
