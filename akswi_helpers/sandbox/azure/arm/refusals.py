"""What Resource Manager itself refuses, in its words.

Source: https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors
and recorded answers; words that were not read off Azure begin with `wire.UNVERIFIED`.
"""

from __future__ import annotations

from collections.abc import Iterable

from akswi_helpers.sandbox.azure.arm.resource_ids import group_of, name_of, names_of, type_of
from akswi_helpers.sandbox.wire import UNVERIFIED, WireError
from akswi_helpers.types import ResourceId


def refusal(status: int, code: str, message: str, **extra: object) -> WireError:
    """A refusal by Resource Manager, before any provider is asked."""
    return WireError(status, code, message, headers={"x-ms-failure-cause": "gateway"}, **extra)


def missing_api_version() -> WireError:
    """The request names no api-version."""
    text = "The api-version query parameter (?api-version=) is required for all requests."
    return refusal(400, "MissingApiVersionParameter", UNVERIFIED + text)


def no_registered_provider(
    location: str, version: str, kind: str, versions: Iterable[str], locations: Iterable[str]
) -> WireError:
    """The api-version is none that the type is known in."""
    text = (
        f"No registered resource provider found for location '{location}' and API version "
        f"'{version}' for type '{kind.partition('/')[2]}'. The supported api-versions are "
        f"'{', '.join(versions)}'. The supported locations are '{', '.join(locations)}'."
    )
    return refusal(400, "NoRegisteredProviderFound", text)


def authentication_failed(tenant_id: str) -> WireError:
    """No bearer token."""
    text = "Authentication failed. The 'Authorization' header is missing."
    error = refusal(401, "AuthenticationFailed", text)
    why = "The authentication failed because of missing 'Authorization' header."
    return _challenging(error, tenant_id, why)


def invalid_token(tenant_id: str, code: str, text: str) -> WireError:
    """A bearer token that is not good here."""
    return _challenging(refusal(401, code, UNVERIFIED + text), tenant_id, text)


def _challenging(error: WireError, tenant_id: str, why: str) -> WireError:
    challenge = (
        f'Bearer authorization_uri="https://login.windows.net/{tenant_id}", '
        f'error="invalid_token", error_description="{why}"'
    )
    error.headers = {**error.headers, "www-authenticate": challenge}
    return error


def authorization_failed(client_id: str, object_id: str, action: str, scope: str) -> WireError:
    """The caller has no role that allows the action."""
    text = (
        f"The client '{client_id}' with object id '{object_id}' does not have authorization to "
        f"perform action '{action}' over scope '{scope}' or the scope is invalid. If access was "
        "recently granted, please refresh your credentials."
    )
    return refusal(403, "AuthorizationFailed", text)


def subscription_not_found(subscription: str) -> WireError:
    """Not this sandbox's subscription."""
    text = f"The subscription '{subscription}' could not be found."
    return refusal(404, "SubscriptionNotFound", UNVERIFIED + text)


def group_not_found(group: str) -> WireError:
    """There is no resource group of that name."""
    return refusal(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def group_being_deleted(group: str) -> WireError:
    """The group is going away and takes nothing new."""
    text = (
        f"The resource group '{group}' is in deprovisioning state and cannot perform this "
        "operation."
    )
    return refusal(409, "ResourceGroupBeingDeleted", UNVERIFIED + text)


def resource_not_found(resource_id: ResourceId) -> WireError:
    """There is no such resource in the group."""
    text = (
        f"The Resource '{_labelled(resource_id)}' under resource group "
        f"'{name_of(group_of(resource_id))}' was not found. For more details please go to "
        "https://aka.ms/ARMResourceNotFoundFix"
    )
    return refusal(404, "ResourceNotFound", text)


def parent_not_found(resource_id: ResourceId) -> WireError:
    """What the child should hang on is not there."""
    text = (
        "Can not perform requested operation on nested resource. Parent resource "
        f"'{names_of(resource_id)}' not found."
    )
    return refusal(404, "ParentResourceNotFound", UNVERIFIED + text)


def location_required() -> WireError:
    """A resource without a location."""
    text = "The location property is required for this definition."
    return refusal(400, "LocationRequired", UNVERIFIED + text)


def location_not_available(location: str, kind: str, locations: Iterable[str]) -> WireError:
    """No region goes by that name."""
    text = (
        f"The provided location '{location}' is not available for resource type '{kind}'. List of "
        f"available regions for the resource type is '{','.join(locations)}'."
    )
    return refusal(400, "LocationNotAvailableForResourceType", UNVERIFIED + text)


def location_fixed(name: str, group: str, there: str, here: str) -> WireError:
    """A resource of that name exists in another region."""
    text = (
        f"The resource '{name}' already exists in location '{there}' in resource group '{group}'. "
        f"A resource with the same name cannot be created in location '{here}'. Please select a "
        "new resource name."
    )
    return refusal(409, "InvalidResourceLocation", text)


def invalid_request(text: str, code: str = "InvalidRequestContent") -> WireError:
    """A body or a parameter that cannot be taken as it is."""
    return refusal(400, code, UNVERIFIED + text)


def _labelled(resource_id: ResourceId) -> str:
    namespace, *types = type_of(resource_id).split("/")
    pairs = zip(types, names_of(resource_id).split("/"), strict=True)
    return "/".join([namespace, *(f"{kind}/{name}" for kind, name in pairs)])
