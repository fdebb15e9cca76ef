"""Key Vaults, control plane: the vaults, the deleted ones, secrets through Resource Manager.

    PUT …/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{vault}
    GET …/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{vault}
    PATCH …/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{vault}
    DELETE …/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{vault}
    GET …/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults
    GET …/{subscription}/providers/Microsoft.KeyVault/vaults
    GET …/{subscription}/providers/Microsoft.KeyVault/deletedVaults
    GET …/{subscription}/providers/Microsoft.KeyVault/deletedManagedHSMs
    GET …/Microsoft.KeyVault/locations/{location}/deletedVaults/{vault}
    POST …/Microsoft.KeyVault/locations/{location}/deletedVaults/{vault}/purge
    GET …/Microsoft.KeyVault/locations/{location}/operationResults/{operation}
    POST …/{subscription}/providers/Microsoft.KeyVault/checkNameAvailability
    PUT …/Microsoft.KeyVault/vaults/{vault}/secrets/{name}
    GET …/Microsoft.KeyVault/vaults/{vault}/secrets/{name}
    GET …/Microsoft.KeyVault/vaults/{vault}/secrets

Source: https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults and recorded exchanges.
Left out: firewalls and private endpoints (501), access policies as an operation, keys, managed
HSMs. A new vault says RegisteringDns once and is ready at the next question.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from akswi_helpers.sandbox.azure.arm import refusals
from akswi_helpers.sandbox.azure.arm.operations import Operations, poll_headers
from akswi_helpers.sandbox.azure.arm.property_tables import checked
from akswi_helpers.sandbox.azure.arm.requests import ANYONE, caller_of, tags_of, takes
from akswi_helpers.sandbox.azure.arm.resource_ids import group_id
from akswi_helpers.sandbox.azure.arm.resources import Resources, place
from akswi_helpers.sandbox.azure.arm.timestamps import iso
from akswi_helpers.sandbox.azure.keyvault import refusals as sayings
from akswi_helpers.sandbox.azure.keyvault.deleted import (
    TYPE,
    DeletedVaults,
    deleted_document,
    vault_named,
)
from akswi_helpers.sandbox.azure.keyvault.store import Secrets, pick
from akswi_helpers.sandbox.dials import Dials
from akswi_helpers.sandbox.wire import Reply, Request, Route, not_emulated
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, ResourceId

# 1 · Shapes: what is stored, and how it looks on the wire ---------------------

SECRETS = f"{TYPE}/secrets"
RBAC_BY_DEFAULT = "2026-02-01"  # from this api-version on, a new vault asks Azure RBAC


def vault_document(resource_id: ResourceId, location: str, tags: Json, properties: Json) -> Json:
    """A vault as it is stored."""
    name = resource_id.rpartition("/")[2]
    return {
        "id": resource_id,
        "name": name,
        "type": TYPE,
        "location": location,
        "tags": tags,
        "properties": {
            "sku": {key: str(one) for key, one in properties["sku"].items()}
            | {"name": properties["sku"]["name"].lower()},
            "tenantId": properties["tenantId"],
            "accessPolicies": properties.get("accessPolicies") or [],
            "enabledForDeployment": bool(properties.get("enabledForDeployment")),
            **{key: properties[key] for key in _OPTIONAL if properties.get(key) is not None},
            "enableSoftDelete": True,
            "softDeleteRetentionInDays": int(properties.get("softDeleteRetentionInDays") or 90),
            "enableRbacAuthorization": bool(properties.get("enableRbacAuthorization")),
            "vaultUri": f"https://{name}.vault.azure.net/",
            "provisioningState": "Succeeded",
            "publicNetworkAccess": "Enabled",
        },
    }


_OPTIONAL = ("enabledForDiskEncryption", "enabledForTemplateDeployment", "enablePurgeProtection")


def just_created(document: Json) -> Json:
    """A vault as its first answer shows it: the name is still being registered."""
    values = document["properties"]
    uri = values["vaultUri"].rstrip("/")
    fresh = {**values, "vaultUri": uri, "provisioningState": "RegisteringDns"}
    return {**document, "properties": fresh}


def _as_shown(world: World, vault: Json) -> Json:
    """A vault as it is shown now: a new one as `just_created`, for as long as the dial says."""
    dials = world.state(Dials)
    if not dials.value("vault-create"):
        return vault
    created = datetime.fromisoformat(vault["systemData"]["createdAt"]).timestamp()
    return vault if dials.due("vault-create", created) else just_created(vault)


def secret_document(vault: Json, secret: Json) -> Json:
    """A secret as Resource Manager shows it: never its value."""
    version = secret["versions"][-1]
    uri = f"{vault['properties']['vaultUri']}secrets/{secret['name']}"
    names = ("enabled", "nbf", "exp", "created", "updated")
    content = {"contentType": version["contentType"]} if "contentType" in version else {}
    return {
        "id": f"{vault['id']}/secrets/{secret['name']}",
        "name": secret["name"],
        "type": SECRETS,
        "location": vault["location"],
        "tags": version["tags"],
        "properties": {
            **content,
            "attributes": {name: version[name] for name in names if name in version},
            "secretUri": uri,
            "secretUriWithVersion": f"{uri}/{version['version']}",
        },
    }


# 2 · State: vaults are resources, secrets the data plane's --------------------


def _written(world: World, request: Request, document: Json, old: Json | None) -> Json:
    """Store a vault with who wrote it and when."""
    now, by = iso(world.clock.now()), caller_of(request).client_id
    before = (old or {}).get("systemData", {})
    system = {
        "createdBy": before.get("createdBy", by),
        "createdByType": "Application",
        "createdAt": before.get("createdAt", now),
        "lastModifiedBy": by,
        "lastModifiedByType": "Application",
        "lastModifiedAt": now,
    }
    stamped = {**document, "systemData": system}
    return world.state(Resources).put(stamped["id"], stamped)


# 3 · Errors: in keyvault_refusals.py, shared by both planes -------------------


def _check_new(world: World, request: Request, location: str) -> None:
    """Raise WireError unless a vault of that name can be made."""
    name = request.args["vault"]
    if not _valid(name):
        raise sayings.vault_name_invalid(name)
    if world.state(DeletedVaults).get(name):
        raise sayings.vault_soft_deleted()
    if vault_named(world, name):
        raise sayings.vault_name_taken(name)


def _check_properties(sent: Json, old: Json | None) -> None:
    """Raise WireError for property values that Azure refuses or that are not emulated."""
    before = (old or {}).get("properties", {})
    if sent.get("enableSoftDelete") is False:
        raise sayings.soft_delete_fixed() if old else sayings.soft_delete_required()
    if sent.get("enablePurgeProtection") is False and before.get("enablePurgeProtection"):
        raise sayings.purge_protection_fixed()
    days = sent.get("softDeleteRetentionInDays")
    if days is not None and not 7 <= days <= 90:
        raise sayings.retention_out_of_bounds()
    if days is not None and before and days != before["softDeleteRetentionInDays"]:
        raise sayings.retention_fixed()
    if (sent.get("networkAcls") or {}).get("defaultAction", "Allow") != "Allow":
        raise not_emulated(f"the firewall (properties.networkAcls) of {TYPE}")
    if str(sent.get("publicNetworkAccess") or "Enabled").lower() != "enabled":
        raise not_emulated(f"properties.publicNetworkAccess other than Enabled of {TYPE}")


def _valid(name: str) -> bool:
    shape = r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]"
    return bool(re.fullmatch(shape, name))


# 4 · Routes: parse, ask the state, render -------------------------------------


def create_or_update(world: World, request: Request) -> Reply:
    """Make a vault, change it, or recover a deleted one: 200 in every case."""
    wanted, body = _id(request), checked(TYPE, request.json())
    old, location = place(world, wanted, TYPE, body)
    sent = body["properties"]
    _check_properties(sent, old)
    if old is None and sent.get("createMode") == "recover":
        return Reply(world.state(DeletedVaults).recover(request.args["vault"], wanted))
    if old is None:
        _check_new(world, request, location)
    properties = _settled(request, sent, old)
    if properties["tenantId"].lower() != world.tenant_id:
        raise sayings.foreign_tenant(properties["tenantId"])
    document = vault_document(wanted, location, tags_of(body), properties)
    stored = _written(world, request, document, old)
    return Reply(stored if old else just_created(stored), 200, poll_headers(world))


def get(world: World, request: Request) -> Reply:
    """One vault."""
    return Reply(_as_shown(world, world.state(Resources).find(_id(request))))


def update(world: World, request: Request) -> Reply:
    """Change a vault's tags or properties."""
    old = world.state(Resources).find(_id(request))
    body = checked(TYPE, request.json(), partial=True)
    sent = body.get("properties") or {}
    _check_properties(sent, old)
    tags = tags_of(body) if "tags" in body else old["tags"]
    merged = {**old["properties"], **sent}
    document = vault_document(old["id"], old["location"], tags, merged)
    return Reply(_written(world, request, document, old))


def delete(world: World, request: Request) -> Reply:
    """Soft-delete a vault: 200, or 204 when there was none."""
    if world.state(Resources).get(_id(request)) is None:
        return Reply(None, 204)
    world.state(Resources).remove(_id(request))
    return Reply(None, 200)


@takes("$top")
def list_by_group(world: World, request: Request) -> Reply:
    """The vaults of a group."""
    scope = group_id(request.args["subscription"], request.args["group"])
    return _listed(world, request, scope)


@takes("$top")
def list_by_subscription(world: World, request: Request) -> Reply:
    """The vaults of the subscription."""
    return _listed(world, request, f"/subscriptions/{request.args['subscription']}")


def list_deleted(world: World, request: Request) -> Reply:
    """The deleted vaults that can be recovered or purged."""
    rows = world.state(DeletedVaults).all()
    return Reply({"value": [deleted_document(world, row) for row in rows]})


def list_deleted_hsms(world: World, request: Request) -> Reply:
    """None: no managed HSM can be made here. `az keyvault list-deleted` asks."""
    return Reply({"value": []})


def get_deleted(world: World, request: Request) -> Reply:
    """One deleted vault."""
    found = world.state(DeletedVaults).at(request.args["location"], request.args["vault"])
    return Reply(deleted_document(world, found))


def purge_deleted(world: World, request: Request) -> Reply:
    """Forget a deleted vault and its secrets for good: 202, then 200 at its Location."""
    found = world.state(DeletedVaults).at(request.args["location"], request.args["vault"])
    if found["properties"].get("enablePurgeProtection"):
        raise sayings.purge_protected(found["name"])
    takes = world.state(Dials).value("vault-purge")
    world.state(DeletedVaults).purge_within(found["name"], takes)
    operation = world.state(Operations).begin(found["id"], done=True, takes=takes)
    where = f"{request.path.rpartition('/deletedVaults/')[0]}/operationResults/{operation}"
    version = request.query["api-version"]
    place_ = f"https://{request.host}{where}?api-version={version}"
    return Reply(None, 202, {"location": place_, **poll_headers(world)})


def purge_result(world: World, request: Request) -> Reply:
    """202 while a purge runs, with the same address; then 200."""
    found = world.state(Operations).get(request.args["operation"])
    if found is None or "end" in found:
        return Reply(None, 200)
    return Reply(None, 202, {"location": request.url, **poll_headers(world)})


def check_name_availability(world: World, request: Request) -> Reply:
    """Whether a vault can be called that."""
    name = str(request.json().get("name", ""))
    if not _valid(name):
        text = sayings.vault_name_invalid(name).message
        return Reply({"nameAvailable": False, "reason": "AccountNameInvalid", "message": text})
    if vault_named(world, name) or world.state(DeletedVaults).get(name):
        text = sayings.vault_name_taken(name).message
        return Reply({"nameAvailable": False, "reason": "AlreadyExists", "message": text})
    return Reply({"nameAvailable": True})


def put_secret(world: World, request: Request) -> Reply:
    """A new version of a secret: 201 for a new secret, 200 for one that was there."""
    vault, name = world.state(Resources).get(_id(request)), request.args["name"]
    if vault is None:
        raise refusals.parent_not_found(_id(request))
    if not re.fullmatch(r"[A-Za-z0-9-]{1,127}", name):
        raise sayings.secret_name_invalid(name)
    values = checked(SECRETS, request.json())
    secrets, sent = world.state(Secrets), values["properties"]
    if secrets.deleted(vault["name"], name):
        raise sayings.secret_soft_deleted(name)
    new, attributes = secrets.get(vault["name"], name) is None, sent.get("attributes") or {}
    content, value = sent.get("contentType"), sayings.fitting_value(sent.get("value"))
    kept = {"tags": tags_of(values), "contentType": content, **attributes}
    stored = secrets.put(vault["name"], name, value, **kept)
    return Reply(secret_document(vault, stored), 201 if new else 200)


def get_secret(world: World, request: Request) -> Reply:
    """A secret without its value."""
    vault = world.state(Resources).find(_id(request))
    found = world.state(Secrets).get(vault["name"], request.args["name"])
    if found is None or pick(found) is None:
        raise refusals.resource_not_found(f"{vault['id']}/secrets/{request.args['name']}")
    return Reply(secret_document(vault, found))


@takes("$top")
def list_secrets(world: World, request: Request) -> Reply:
    """The secrets of a vault without their values."""
    vault = world.state(Resources).find(_id(request))
    found = world.state(Secrets).all(vault["name"])
    return _page(request, [secret_document(vault, one) for one in found])


def _settled(request: Request, sent: Json, old: Json | None) -> Json:
    """The properties to store: what may not be changed stays as it is."""
    before = (old or {}).get("properties", {})
    days = before.get("softDeleteRetentionInDays", sent.get("softDeleteRetentionInDays"))
    rbac: Any = sent.get("enableRbacAuthorization")
    if rbac is None and old is None:
        rbac = request.query["api-version"] >= RBAC_BY_DEFAULT
    elif rbac is None:
        rbac = before["enableRbacAuthorization"]
    protection = before.get("enablePurgeProtection") or sent.get("enablePurgeProtection")
    fixed = {"softDeleteRetentionInDays": days, "enablePurgeProtection": protection or None}
    return {**sent, **fixed, "enableRbacAuthorization": rbac}


def _id(request: Request) -> ResourceId:
    args = request.args
    group = group_id(args["subscription"], args["group"])
    return f"{group}/providers/{TYPE}/{args['vault']}"


def _listed(world: World, request: Request, scope: str) -> Reply:
    found = world.state(Resources).of_type(TYPE, scope)
    return _page(request, [_as_shown(world, one) for one in found])


def _page(request: Request, rows: list[Json]) -> Reply:
    top = int(request.query.get("$top") or len(rows) or 1)
    return Reply({"value": rows[:top], "nextLink": None})


_SUBSCRIPTION = "/subscriptions/{subscription}/providers/Microsoft.KeyVault"
_DELETED = _SUBSCRIPTION + "/locations/{location}/deletedVaults/{vault}"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults"
_ONE = _GROUP + "/{vault}"
_LIST_DELETED = "Microsoft.KeyVault/deletedVaults/read"
_LIST_HSMS = "Microsoft.KeyVault/deletedManagedHsms/read"
_READ_DELETED = "Microsoft.KeyVault/locations/deletedVaults/read"
_PURGE = "Microsoft.KeyVault/locations/deletedVaults/purge/action"
_CHECK = "Microsoft.KeyVault/checkNameAvailability/read"

ROUTES = (
    Route("PUT", _ONE, create_or_update, TYPE),
    Route("GET", _ONE, get, TYPE),
    Route("PATCH", _ONE, update, TYPE),
    Route("DELETE", _ONE, delete, TYPE),
    Route("GET", _GROUP, list_by_group, TYPE),
    Route("GET", f"{_SUBSCRIPTION}/vaults", list_by_subscription, TYPE),
    Route("GET", f"{_SUBSCRIPTION}/deletedVaults", list_deleted, TYPE, _LIST_DELETED),
    Route("GET", f"{_SUBSCRIPTION}/deletedManagedHSMs", list_deleted_hsms, TYPE, _LIST_HSMS),
    Route("GET", _DELETED, get_deleted, TYPE, _READ_DELETED),
    Route("POST", f"{_DELETED}/purge", purge_deleted, TYPE, _PURGE),
    Route(
        "GET",
        _SUBSCRIPTION + "/locations/{location}/operationResults/{operation}",
        purge_result,
        TYPE,
        ANYONE,
    ),
    Route("POST", f"{_SUBSCRIPTION}/checkNameAvailability", check_name_availability, TYPE, _CHECK),
    Route("PUT", f"{_ONE}/secrets/{{name}}", put_secret, SECRETS),
    Route("GET", f"{_ONE}/secrets/{{name}}", get_secret, SECRETS),
    Route("GET", f"{_ONE}/secrets", list_secrets, SECRETS),
)
