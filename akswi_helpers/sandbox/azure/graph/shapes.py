"""How Microsoft Graph shows applications, service principals and their credentials.

Documents are stored as they are shown, so that a field which nobody set has Graph's own default.
Secrets are never part of one: a password credential shows its hint alone.

Source: https://learn.microsoft.com/graph/api/resources/application and recorded exchanges.
Left out: the publisher's domain, and when an identity's service principal was made; both null.
"""

from __future__ import annotations

import copy
from dataclasses import asdict

from akswi_helpers.sandbox.azure.entra.directory import FederatedCredential, Principal
from akswi_helpers.sandbox.wire import Reply, Request
from akswi_helpers.types import ClientId, Json, ObjectId

HOST = "graph.microsoft.com"
APPLICATIONS, SERVICE_PRINCIPALS = "applications", "servicePrincipals"
KINDS = {APPLICATIONS: "application", SERVICE_PRINCIPALS: "servicePrincipal"}
AUDIENCES = (
    "AzureADMyOrg",
    "AzureADMultipleOrgs",
    "AzureADandPersonalMicrosoftAccount",
    "PersonalMicrosoftAccount",
)

_INFO: Json = {
    "logoUrl": None,
    "marketingUrl": None,
    "privacyStatementUrl": None,
    "supportUrl": None,
    "termsOfServiceUrl": None,
}
_PUBLISHER: Json = {"displayName": None, "verifiedPublisherId": None, "addedDateTime": None}

APPLICATION: Json = {
    "id": "",
    "deletedDateTime": None,
    "appId": "",
    "applicationTemplateId": None,
    "disabledByMicrosoftStatus": None,
    "createdDateTime": "",
    "displayName": "",
    "description": None,
    "groupMembershipClaims": None,
    "identifierUris": [],
    "isDeviceOnlyAuthSupported": None,
    "isFallbackPublicClient": None,
    "nativeAuthenticationApisEnabled": None,
    "notes": None,
    "publisherDomain": None,
    "serviceManagementReference": None,
    "signInAudience": "AzureADMyOrg",
    "tags": [],
    "tokenEncryptionKeyId": None,
    "uniqueName": None,
    "samlMetadataUrl": None,
    "defaultRedirectUri": None,
    "certification": None,
    "optionalClaims": None,
    "servicePrincipalLockConfiguration": None,
    "requestSignatureVerification": None,
    "addIns": [],
    "api": {
        "acceptMappedClaims": None,
        "knownClientApplications": [],
        "requestedAccessTokenVersion": None,
        "oauth2PermissionScopes": [],
        "preAuthorizedApplications": [],
    },
    "appRoles": [],
    "info": _INFO,
    "keyCredentials": [],
    "parentalControlSettings": {"countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow"},
    "passwordCredentials": [],
    "publicClient": {"redirectUris": []},
    "requiredResourceAccess": [],
    "verifiedPublisher": _PUBLISHER,
    "web": {
        "homePageUrl": None,
        "logoutUrl": None,
        "redirectUris": [],
        "implicitGrantSettings": {
            "enableAccessTokenIssuance": False,
            "enableIdTokenIssuance": False,
        },
        "redirectUriSettings": [],
    },
    "spa": {"redirectUris": []},
}

SERVICE_PRINCIPAL: Json = {
    "id": "",
    "deletedDateTime": None,
    "accountEnabled": True,
    "alternativeNames": [],
    "appDisplayName": None,
    "appDescription": None,
    "appId": "",
    "applicationTemplateId": None,
    "appOwnerOrganizationId": None,
    "appRoleAssignmentRequired": False,
    "createdDateTime": None,
    "description": None,
    "disabledByMicrosoftStatus": None,
    "displayName": "",
    "homepage": None,
    "loginUrl": None,
    "logoutUrl": None,
    "notes": None,
    "notificationEmailAddresses": [],
    "preferredSingleSignOnMode": None,
    "preferredTokenSigningKeyThumbprint": None,
    "replyUrls": [],
    "servicePrincipalNames": [],
    "servicePrincipalType": "Application",
    "signInAudience": None,
    "tags": [],
    "tokenEncryptionKeyId": None,
    "samlMetadataUrl": None,
    "samlSingleSignOnSettings": None,
    "addIns": [],
    "appRoles": [],
    "info": _INFO,
    "keyCredentials": [],
    "oauth2PermissionScopes": [],
    "passwordCredentials": [],
    "resourceSpecificApplicationPermissions": [],
    "verifiedPublisher": _PUBLISHER,
}


def application(object_id: ObjectId, client: ClientId, name: str, created: str | None) -> Json:
    """A new application: only who it is, everything else by default."""
    own = {"id": object_id, "appId": client, "displayName": name, "createdDateTime": created}
    return {**copy.deepcopy(APPLICATION), **own}


def service_principal(object_id: ObjectId, client: ClientId, created: str | None) -> Json:
    """A new application's service principal; its names follow the application (`named_after`)."""
    own = {
        "id": object_id,
        "appId": client,
        "createdDateTime": created,
        "servicePrincipalNames": [client],
    }
    return {**copy.deepcopy(SERVICE_PRINCIPAL), **own}


def named_after(principal: Json, owner: Json, tenant_id: str) -> Json:
    """The service principal with what it shows of its application."""
    shown = {
        "displayName": owner["displayName"],
        "appDisplayName": owner["displayName"],
        "appDescription": owner["description"],
        "signInAudience": owner["signInAudience"],
        "appOwnerOrganizationId": tenant_id,
    }
    return {**principal, **shown}


def of_identity(principal: Principal) -> Json:
    """The service principal of a managed identity."""
    document = service_principal(principal.object_id, principal.client_id, None)
    own = {
        "displayName": principal.display_name,
        "servicePrincipalType": "ManagedIdentity",
        "alternativeNames": [f"isExplicit={_is_user_assigned(principal)}", principal.resource_id],
    }
    return {**document, **own}


def _is_user_assigned(principal: Principal) -> bool:
    return "/microsoft.managedidentity/" in principal.resource_id.lower()


def credential(one: FederatedCredential) -> Json:
    """A federated identity credential, as stored and as shown."""
    shown = asdict(one)
    return {**shown, "description": one.description or None}


def context(request: Request, what: str) -> Json:
    """The annotation that says what the body is."""
    version = request.args["version"]
    return {"@odata.context": f"https://{HOST}/{version}/$metadata#{what}"}


def entity(request: Request, kind: str, document: Json) -> Json:
    """One object of a collection, as a body."""
    return {**context(request, f"{kind}/$entity"), **document}


def created(tenant_id: str, path: str, body: Json) -> Reply:
    """201 with the Location that Graph sends (a v2 address, not v1.0)."""
    return Reply(body, 201, {"Location": f"https://{HOST}/v2/{tenant_id}/{path}"})
