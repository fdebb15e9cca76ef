"""Tenants, subscriptions, regions and resource providers: what `az login` and `az provider` ask.

    GET /tenants
    GET /subscriptions
    GET /subscriptions/{subscription}
    GET /subscriptions/{subscription}/locations
    GET /subscriptions/{subscription}/providers
    GET /subscriptions/{subscription}/providers/{namespace}
    POST /subscriptions/{subscription}/providers/{namespace}/register

Source: https://learn.microsoft.com/rest/api/resources/subscriptions and /providers. Left out:
unregistering, quota, features; every provider is registered from the start.
"""

from __future__ import annotations

from akswi_helpers.sandbox.azure.arm import refusals
from akswi_helpers.sandbox.azure.arm.authorization import Assignments
from akswi_helpers.sandbox.azure.arm.property_tables import arm_data
from akswi_helpers.sandbox.azure.arm.requests import ANYONE, caller_of
from akswi_helpers.sandbox.wire import UNVERIFIED, Reply, Request, Route, WireError
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json

# 1 · Shapes: how things look on the wire --------------------------------------

TYPE = "Microsoft.Resources/subscriptions"
NAME = "akswi sandbox"


def subscription_document(world: World) -> Json:
    """The one subscription."""
    return {
        "id": f"/subscriptions/{world.subscription_id}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": world.subscription_id,
        "tenantId": world.tenant_id,
        "displayName": NAME,
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    }


def provider_document(world: World, namespace: str) -> Json:
    """A resource provider with the types that are known here."""
    regions = list(arm_data("locations").values())
    types = [
        {"resourceType": kind.partition("/")[2], "locations": regions, "apiVersions": versions}
        for kind, versions in arm_data("api-versions").items()
        if kind.partition("/")[0] == namespace
    ]
    return {
        "id": f"/subscriptions/{world.subscription_id}/providers/{namespace}",
        "namespace": namespace,
        "resourceTypes": types,
        "registrationState": "Registered",
        "registrationPolicy": "RegistrationRequired",
    }


# 2 · State: none of its own ---------------------------------------------------


def namespaces() -> list[str]:
    """The provider namespaces known here."""
    return sorted({kind.partition("/")[0] for kind in arm_data("api-versions")})


def _sees_subscription(world: World, object_id: str) -> bool:
    mine = (one["properties"]["principalId"] for one in world.state(Assignments).all())
    return object_id in mine


# 3 · Errors: this service's codes ---------------------------------------------


def invalid_namespace(namespace: str) -> WireError:
    """A provider that is not known here."""
    text = f"The resource namespace '{namespace}' is invalid."
    return refusals.refusal(404, "InvalidResourceNamespace", UNVERIFIED + text)


# 4 · Routes: parse, ask the state, render -------------------------------------


def list_tenants(world: World, request: Request) -> Reply:
    """The one tenant."""
    tenant = {"id": f"/tenants/{world.tenant_id}", "tenantId": world.tenant_id}
    return Reply({"value": [{**tenant, "tenantCategory": "Home", "displayName": NAME}]})


def list_subscriptions(world: World, request: Request) -> Reply:
    """The subscription, for callers with any role in it."""
    seen = _sees_subscription(world, caller_of(request).object_id)
    return Reply({"value": [subscription_document(world)] if seen else []})


def get_subscription(world: World, request: Request) -> Reply:
    """The subscription."""
    return Reply(subscription_document(world))


def list_locations(world: World, request: Request) -> Reply:
    """The regions."""
    scope = f"/subscriptions/{world.subscription_id}/locations"
    rows = [
        {
            "id": f"{scope}/{name}",
            "name": name,
            "type": "Region",
            "displayName": shown,
            "regionalDisplayName": shown,
        }
        for name, shown in arm_data("locations").items()
    ]
    return Reply({"value": rows})


def list_providers(world: World, request: Request) -> Reply:
    """Every provider known here."""
    return Reply({"value": [provider_document(world, name) for name in namespaces()]})


def get_provider(world: World, request: Request) -> Reply:
    """One provider."""
    return Reply(provider_document(world, _namespace(request)))


def register_provider(world: World, request: Request) -> Reply:
    """Registered already."""
    return Reply(provider_document(world, _namespace(request)))


def _namespace(request: Request) -> str:
    for name in namespaces():
        if name.lower() == request.args["namespace"].lower():
            return name
    raise invalid_namespace(request.args["namespace"])


_ONE = "/subscriptions/{subscription}"
_RESOURCES = "Microsoft.Resources/resourceGroups"  # whose api-versions the providers' list has

ROUTES = (
    Route("GET", "/tenants", list_tenants, TYPE, ANYONE),
    Route("GET", "/subscriptions", list_subscriptions, TYPE, ANYONE),
    Route("GET", _ONE, get_subscription, TYPE, f"{TYPE}/read"),
    Route("GET", f"{_ONE}/locations", list_locations, TYPE, f"{TYPE}/locations/read"),
    Route("GET", f"{_ONE}/providers", list_providers, _RESOURCES, f"{TYPE}/providers/read"),
    Route(
        "GET", f"{_ONE}/providers/{{namespace}}", get_provider, _RESOURCES, f"{TYPE}/providers/read"
    ),
    Route(
        "POST",
        f"{_ONE}/providers/{{namespace}}/register",
        register_provider,
        _RESOURCES,
        f"{TYPE}/providers/register/action",
    ),
)
