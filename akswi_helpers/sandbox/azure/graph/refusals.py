"""Microsoft Graph's refusals: status, code and words of each.

Every function is a situation. Words that were not read off the real service begin with UNVERIFIED.

Source: answers quoted in public issues, https://learn.microsoft.com/graph/errors.
Left out: throttling, which `faults` words; how late readers hear is a dial.
"""

from __future__ import annotations

from akswi_helpers.sandbox.azure.entra.directory import MAX_CREDENTIALS, FederatedCredential
from akswi_helpers.sandbox.wire import UNVERIFIED, WireError
from akswi_helpers.types import ClientId

_TAKEN = "Request_MultipleObjectsWithSameKeyValue"
_CHALLENGE = (
    'Bearer realm="", '
    'authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
    'client_id="00000003-0000-0000-c000-000000000000"'
)
_TOKEN_TEXTS = {
    "missing": "Access token is empty.",
    "audience": "Access token validation failure. Invalid audience.",
    "expired": "Lifetime validation failed, the token is expired.",
    "early": f"{UNVERIFIED}Lifetime validation failed, the token is not yet valid.",
    "malformed": f"{UNVERIFIED}JWT is not well formed.",
    "signature": f"{UNVERIFIED}Signature validation failed.",
    "issuer": f"{UNVERIFIED}Access token validation failure. Invalid issuer.",
    "principal": f"{UNVERIFIED}The token's principal is not known.",
}


def token_refused(reason: str) -> WireError:
    """No token, or not one for Graph; `reason` as in access.TokenRefused."""
    headers = {"WWW-Authenticate": _CHALLENGE}
    return WireError(401, "InvalidAuthenticationToken", _TOKEN_TEXTS[reason], headers=headers)


def insufficient_privileges() -> WireError:
    """The caller holds no permission for this."""
    text = "Insufficient privileges to complete the operation."
    return WireError(403, "Authorization_RequestDenied", text)


def not_a_person() -> WireError:
    """An application asked who it is as a person."""
    text = "/me request is only valid with delegated authentication flow."
    return WireError(400, "BadRequest", text)


def bad_request(text: str) -> WireError:
    """A request whose refusal was not seen in real words."""
    return WireError(400, "Request_BadRequest", UNVERIFIED + text)


def not_found(id: str) -> WireError:
    """There is no such object."""
    text = (
        f"Resource '{id}' does not exist or one of its queried reference-property objects are not "
        "present."
    )
    return WireError(404, "Request_ResourceNotFound", text)


def no_application(client: ClientId) -> WireError:
    """A service principal for an application that is not there."""
    text = (
        f"The appId '{client}' of the service principal does not reference a valid application "
        "object."
    )
    detail = {"code": "NoBackingApplicationObject", "message": text, "target": "appId"}
    return WireError(400, "Request_BadRequest", text, details=[detail])


def principal_exists(client: ClientId) -> WireError:
    """The application has its service principal already."""
    text = (
        "The service principal cannot be created, updated, or restored service principal name "
        f"{client} is already in use."
    )
    return WireError(409, _TAKEN, UNVERIFIED + text)


def credential_name_taken(name: str) -> WireError:
    """The application has a federated identity credential of this name."""
    return WireError(409, _TAKEN, f"FederatedIdentityCredential with name {name} already exists.")


def pair_taken(one: FederatedCredential) -> WireError:
    """Another credential of the application has this issuer and subject."""
    text = (
        "The combination of issuer and subject must be unique for the application. "
        f"Issuer {one.issuer} and Subject: {one.subject} already exist. paramName: "
        f"FederatedIdentityCredential.Subject, paramValue: {one.subject}, objectType: "
        "Microsoft.Online.DirectoryServices.Application"
    )
    return WireError(400, "InvalidFederatedIdentityCredentialValue", text)


def too_many_credentials() -> WireError:
    """The 21st federated identity credential."""
    text = (
        "The size of the object has exceeded its limit. Please reduce the number of values and "
        f"retry your request. (At most {MAX_CREDENTIALS} credentials.)"
    )
    return WireError(403, "Directory_ObjectSizeExceeded", UNVERIFIED + text)


def credential_invalid(text: str) -> WireError:
    """A federated identity credential that Graph does not take."""
    return WireError(400, "InvalidFederatedIdentityCredentialValue", UNVERIFIED + text)


def no_such_key() -> WireError:
    """The application has no password with this key id."""
    return bad_request("No password credential found with keyId.")


def unknown_property(name: str, kind: str) -> WireError:
    """The body or $select names something that the type does not have."""
    return bad_request(
        f"Could not find a property named '{name}' on type 'microsoft.graph.{kind}'."
    )


def read_only(name: str) -> WireError:
    """The body sets what only Graph sets."""
    return bad_request(f"Property '{name}' is read-only and cannot be set.")


def identity_owned() -> WireError:
    """A managed identity's service principal is changed through its identity alone."""
    text = "The service principal of a managed identity cannot be changed or deleted here."
    return WireError(403, "Authorization_RequestDenied", UNVERIFIED + text)


def version_unknown(version: str) -> WireError:
    """The path begins with neither v1.0 nor beta."""
    return WireError(400, "BadRequest", f"{UNVERIFIED}Invalid version: {version}.")


def untyped() -> WireError:
    """A write that does not say what its body is."""
    text = "Write requests (excluding DELETE) must contain the Content-Type header declaration."
    return WireError(400, "BadRequest", text)


def not_json() -> WireError:
    """A write whose body is something else than JSON, by its header."""
    text = "Entity only allows writes with a JSON Content-Type header."
    return WireError(400, "BadRequest", text)


def malformed() -> WireError:
    """The body is not a JSON object."""
    text = (
        "Unable to read JSON request payload. Please ensure Content-Type header is set and payload "
        "is of valid JSON format."
    )
    return WireError(400, "BadRequest", text)


def empty_payload() -> WireError:
    """The body is an object that says nothing."""
    return WireError(400, "BadRequest", "Empty Payload. JSON content expected.")
