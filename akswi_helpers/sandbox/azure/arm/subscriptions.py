"""Tenants, subscriptions, regions and resource providers: what `az login` and `az provider` ask.

    GET /tenants
    GET /subscriptions
    GET /subscriptions/{subscription}
    GET /subscriptions/{subscription}/locations
    GET /subscriptions/{subscription}/providers
    GET /subscriptions/{subscription}/providers/{namespace}
    POST /subscriptions/{subscription}/providers/{namespace}/register
    POST /subscriptions/{subscription}/providers/{namespace}/unregister

Source: https://learn.microsoft.com/rest/api/resources/subscriptions and /providers. Left out:
features. Every provider is registered from the start; one that is not refuses every request about
its types. Registering takes no time here, but its first answer says "Registering" as Azure's does.
"""

from __future__ import annotations

from akswi_helpers.sandbox.azure.arm import authorization, refusals
from akswi_helpers.sandbox.azure.arm.authorization import Assignments
from akswi_helpers.sandbox.azure.arm.property_tables import arm_data
from akswi_helpers.sandbox.azure.arm.requests import ANYONE, caller_of
from akswi_helpers.sandbox.azure.arm.resources import Resources
from akswi_helpers.sandbox.wire import UNVERIFIED, Reply, Request, Route, WireError
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json

# 1 · Shapes: how things look on the wire --------------------------------------

TYPE = "Microsoft.Resources/subscriptions"
NAME = "akswi sandbox"
BARE = ("Microsoft.Network", "Microsoft.OperationsManagement", "Microsoft.Storage")
"""Providers that AKS may need registered, though none of their types is known here."""
ALWAYS = ("Microsoft.Authorization", "Microsoft.Resources")
"""Providers that need no registration."""


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


def provider_document(world: World, namespace: str, state: str = "") -> Json:
    """A resource provider with the types that are known here, and its state or the given one."""
    regions, free = list(arm_data("locations").values()), namespace in ALWAYS
    types = [
        {"resourceType": kind.partition("/")[2], "locations": regions, "apiVersions": versions}
        for kind, versions in arm_data("api-versions").items()
        if kind.partition("/")[0] == namespace
    ]
    return {
        "id": f"/subscriptions/{world.subscription_id}/providers/{namespace}",
        "namespace": namespace,
        "resourceTypes": types,
        "registrationState": state or registration(world, namespace),
        "registrationPolicy": "RegistrationFree" if free else "RegistrationRequired",
    }


# 2 · State: which providers are not registered --------------------------------


def namespaces() -> list[str]:
    """The provider namespaces known here."""
    return sorted({*BARE, *(kind.partition("/")[0] for kind in arm_data("api-versions"))})


def registration(world: World, namespace: str) -> str:
    """The registration state of a provider: "Registered" or "Unregistered"."""
    out = world.table(_OUT).get(namespace.lower())
    return "Unregistered" if out else "Registered"


def require_registered(world: World, kind: str) -> None:
    """Raise WireError unless the provider of a resource type is registered."""
    namespace = kind.partition("/")[0]
    if registration(world, namespace) != "Registered":
        raise not_registered(namespace)


_OUT = "providers.unregistered"


def _sees_subscription(world: World, object_id: str) -> bool:
    mine = (one["properties"]["principalId"] for one in world.state(Assignments).all())
    return object_id in mine


# 3 · Errors: this service's codes ---------------------------------------------


def invalid_namespace(namespace: str) -> WireError:
    """A provider that is not known here."""
    text = f"The resource namespace '{namespace}' is invalid."
    return refusals.refusal(404, "InvalidResourceNamespace", UNVERIFIED + text)


def not_registered(namespace: str) -> WireError:
    """The subscription has not asked for this provider yet."""
    text = (
        f"The subscription is not registered to use namespace '{namespace}'. See "
        "https://aka.ms/rps-not-found for how to register subscriptions."
    )
    return refusals.refusal(409, "MissingSubscriptionRegistration", text)


def in_use(namespace: str) -> WireError:
    """A provider whose resources are there, or that is never unregistered."""
    text = f"The resource provider '{namespace}' cannot be unregistered: its resources are in use."
    return refusals.refusal(409, "CannotUnregisterProvider", UNVERIFIED + text)


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
    """Register a provider; left alone when it is."""
    name = _namespace(request)
    _require_action(world, request, f"{name}/register/action")
    if registration(world, name) == "Registered":
        return Reply(provider_document(world, name))
    world.table(_OUT).remove(name.lower())
    return Reply(provider_document(world, name, "Registering"))


def unregister_provider(world: World, request: Request) -> Reply:
    """Take a provider's registration back; refused while it has resources."""
    name, scope = _namespace(request), f"/subscriptions/{world.subscription_id}"
    _require_action(world, request, f"{name}/unregister/action")
    kinds = {
        str(one["type"]).partition("/")[0].lower() for one in world.state(Resources).top(scope)
    }
    if name in ALWAYS or name.lower() in kinds:
        raise in_use(name)
    if registration(world, name) == "Unregistered":
        return Reply(provider_document(world, name))
    world.table(_OUT).put(name.lower(), {"name": name})
    return Reply(provider_document(world, name, "Unregistering"))


def _require_action(world: World, request: Request, action: str) -> None:
    """Raise WireError unless the caller may do this, which only the path names."""
    who, scope = caller_of(request), f"/subscriptions/{world.subscription_id}"
    if not authorization.allowed(world, who.object_id, action, scope):
        raise refusals.authorization_failed(who.client_id, who.object_id, action, scope)


def _namespace(request: Request) -> str:
    for name in namespaces():
        if name.lower() == request.args["namespace"].lower():
            return name
    raise invalid_namespace(request.args["namespace"])


_ONE = "/subscriptions/{subscription}"
_PROVIDER = f"{_ONE}/providers/{{namespace}}"
_RESOURCES = "Microsoft.Resources/resourceGroups"  # whose api-versions the providers' list has

ROUTES = (
    Route("GET", "/tenants", list_tenants, TYPE, ANYONE),
    Route("GET", "/subscriptions", list_subscriptions, TYPE, ANYONE),
    Route("GET", _ONE, get_subscription, TYPE, f"{TYPE}/read"),
    Route("GET", f"{_ONE}/locations", list_locations, TYPE, f"{TYPE}/locations/read"),
    Route("GET", f"{_ONE}/providers", list_providers, _RESOURCES, f"{TYPE}/providers/read"),
    Route("GET", _PROVIDER, get_provider, _RESOURCES, f"{TYPE}/providers/read"),
    Route("POST", f"{_PROVIDER}/register", register_provider, _RESOURCES, ANYONE),
    Route("POST", f"{_PROVIDER}/unregister", unregister_provider, _RESOURCES, ANYONE),
)
