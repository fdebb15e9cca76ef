"""Entra ID's refusals at the token endpoint: code, OAuth error, status and words of each.

Every function is a situation; `render` puts it in Entra's envelope. Words that were not read off
the real service begin with UNVERIFIED, after the AADSTS code.

Source: texts seen in public issues and run logs, Microsoft's list of AADSTS codes
(https://learn.microsoft.com/entra/identity-platform/reference-error-codes).
Left out: codes of sign-in by people.
"""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime

from akswi_helpers.sandbox.wire import UNVERIFIED, Reply, Request, WireError
from akswi_helpers.types import ClientId, Json, Seconds, Url

_WITH_URI = {70021, 700016, 7000215, 90002}  # codes whose answers were seen with an error_uri
_DOCS = "https://docs.microsoft.com/en-us/azure/active-directory/develop"
_LEARN = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
_CHECK = "Check your federated identity credential Subject, Audience and Issuer against the"
_NO_MATCH = "No matching federated identity record found for presented assertion"
_NOT_INSTALLED = (
    "This can happen if the application has not been installed by the administrator of the tenant "
    "or consented to by any user in the tenant. You {} have sent your authentication request to "
    "the wrong tenant."
)


def refusal(code: int, error: str, text: str, status: int = 400) -> WireError:
    """A refusal in Entra's terms; invalid_client is always 401."""
    return WireError(401 if error == "invalid_client" else status, error, text, number=code)


def render(error: WireError, request: Request, now: Seconds | None = None) -> Reply:
    """The refusal as the token endpoint words it, with trace id, correlation id and time."""
    number = error.extra.get("number")
    if number is None:
        body: Json = {"error": error.code, "error_description": error.message}
        return Reply(body, error.status, error.headers)
    trace, when = str(uuid.uuid4()), _moment(time.time() if now is None else now)
    correlation = request.headers.get("client-request-id") or str(uuid.uuid4())
    tail = f"Trace ID: {trace} Correlation ID: {correlation} Timestamp: {when}"
    body = {
        "error": error.code,
        "error_description": f"AADSTS{number}: {error.message} {tail}",
        "error_codes": [number],
        "timestamp": when,
        "trace_id": trace,
        "correlation_id": correlation,
    }
    if number in _WITH_URI:
        body["error_uri"] = f"https://login.microsoftonline.com/error?code={number}"
    return Reply(body, error.status, error.headers)


# What was asked for --------------------------------------------------------------------------


def tenant_unknown(tenant: str, *, discovery: bool = False) -> WireError:
    """No such tenant."""
    text = (
        f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are "
        "signing into the correct cloud. Check with your subscription administrator, this may "
        "happen if there are no active subscriptions for the tenant."
    )
    return refusal(90002, "invalid_tenant" if discovery else "invalid_request", text)


def parameter_missing(name: str) -> WireError:
    """A form field is missing."""
    return refusal(
        900144,
        "invalid_request",
        f"The request body must contain the following parameter: '{name}'.",
    )


def resource_parameter() -> WireError:
    """A `resource` was sent to the v2.0 endpoint."""
    return refusal(901002, "invalid_request", "The 'resource' request parameter isn't supported.")


def grant_unknown(grant: str) -> WireError:
    """No such grant."""
    text = f"{UNVERIFIED}The app requested an unsupported grant type '{grant}'."
    return refusal(70003, "unsupported_grant_type", text)


def assertion_type_unknown(kind: str) -> WireError:
    """The client_assertion_type is not that of a JWT."""
    text = f"{UNVERIFIED}The client_assertion_type '{kind}' is not supported."
    return refusal(900144, "invalid_request", text)


def scope_invalid(scope: str) -> WireError:
    """The scope of a client-credentials request is not `<resource>/.default`."""
    text = (
        f"{UNVERIFIED}The provided value for scope {scope} is not valid. Client credential flows "
        "must have a scope value with /.default suffixed to the resource identifier "
        "(application ID URI)."
    )
    return refusal(1002012, "invalid_scope", text)


def resource_unknown(resource: str, tenant: str) -> WireError:
    """Nobody in this tenant goes by the resource's name."""
    text = (
        f"{UNVERIFIED}The resource principal named {resource} was not found in the tenant named "
        f"{tenant}. {_NOT_INSTALLED.format('might')}"
    )
    return refusal(500011, "invalid_resource", text)


# Who asked -----------------------------------------------------------------------------------


def client_unknown(client: ClientId, tenant: str) -> WireError:
    """No application or identity of this tenant has the client id."""
    text = (
        f"Application with identifier '{client}' was not found in the directory '{tenant}'. "
        f"{_NOT_INSTALLED.format('may')}"
    )
    return refusal(700016, "unauthorized_client", text)


def no_credential() -> WireError:
    """Neither a secret nor an assertion was sent."""
    text = (
        "The request body must contain the following parameter: "
        "'client_assertion' or 'client_secret'."
    )
    return refusal(7000218, "invalid_client", text)


def secret_wrong(client: ClientId) -> WireError:
    """The client secret is not one of the application's."""
    text = (
        "Invalid client secret provided. Ensure the secret being sent in the request is the "
        "client secret value, not the client secret ID, for a secret added to app "
        f"'{client}'."
    )
    return refusal(7000215, "invalid_client", text)


def secret_expired(client: ClientId) -> WireError:
    """The client secret was one of the application's, and its time is over."""
    text = (
        f"{UNVERIFIED}The provided client secret keys for app '{client}' are expired. Visit the "
        "Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider "
        "using certificate credentials for added security: https://aka.ms/certCreds."
    )
    return refusal(7000222, "invalid_client", text)


# The assertion -------------------------------------------------------------------------------


def assertion_malformed() -> WireError:
    """The assertion is not a JWT."""
    return refusal(50027, "invalid_request", "JWT token is invalid or malformed.")


def header_type_wrong() -> WireError:
    """The assertion's header names another type."""
    text = "Invalid JWT header type specified, must be 'JWT' or 'http://openid.net/specs/jwt/1.0'."
    return refusal(5002727, "invalid_request", text)


def outside_its_time(now: Seconds, start: Seconds, end: Seconds) -> WireError:
    """The assertion has expired, or is not valid yet."""
    text = (
        "Client assertion is not within its valid time range. Current time: "
        f"{_fine(now)}, assertion valid from {_fine(start)}, expiry time of assertion "
        f"{_fine(end)}. Review the documentation at https://docs.microsoft.com/azure/"
        "active-directory/develop/active-directory-certificate-credentials ."
    )
    return refusal(700024, "invalid_client", text)


def issued_by_entra() -> WireError:
    """The assertion is one of Entra's own tokens."""
    text = "AAD-issued tokens may not be used for federated identity flows."
    return refusal(700222, "invalid_client", text)


def no_federation(client: ClientId, name: str) -> WireError:
    """The application or identity has no federated identity credential at all."""
    text = f"The client '{client}'({name}) has no configured federated identity credentials."
    return refusal(70025, "invalid_client", text)


def issuer_unmatched(issuer: Url) -> WireError:
    """No federated identity credential names this issuer, to the letter."""
    text = (
        f"{_NO_MATCH} issuer '{issuer}'. Please check your federated identity credential Subject, "
        "Audience and Issuer against the presented assertion. "
        f"{_DOCS}/workload-identity-federation"
    )
    return refusal(700211, "invalid_client", text)


def subject_unmatched(subject: str) -> WireError:
    """Credentials with the issuer exist, none with this subject."""
    text = f"{_NO_MATCH} subject '{subject}'. {_CHECK} presented assertion. {_LEARN}"
    return refusal(700213, "invalid_client", text)


def subject_case_differs(subject: str) -> WireError:
    """The subject is a credential's but for upper and lower case."""
    text = (
        f"{_NO_MATCH} subject '{subject}'. The subject matches with case-insensitive comparison, "
        f"but not with case-sensitive comparison. {_CHECK} presented assertion. "
        f"See documentation at: {_LEARN}. See breaking change notification and remediation at: "
        "https://learn.microsoft.com/en-us/entra/identity-platform/reference-breaking-changes"
        "#august-2024."
    )
    return refusal(7002138, "invalid_client", text)


def audience_unmatched(audience: str) -> WireError:
    """Issuer and subject match, the audience does not."""
    return refusal(700212, "invalid_client", f"{_NO_MATCH} audience '{audience}'.")


def issuer_unreachable() -> WireError:
    """The issuer's discovery document or keys could not be had."""
    return refusal(90061, "invalid_request", "Request to External OIDC endpoint failed.")


def key_unpublished(kid: str, issuer: Url) -> WireError:
    """The issuer publishes no key with the assertion's kid."""
    text = (
        f"The certificate with identifier {kid} used to sign the federated credential could not "
        f"be found in the metadata of identity provider {issuer}. Please validate that your "
        "Identity Provider's metadata exposes the key used to sign the incoming token."
    )
    return refusal(7000272, "invalid_client", text)


def signature_wrong() -> WireError:
    """The key that the assertion names did not sign it."""
    text = f"{UNVERIFIED}Assertion failed signature validation."
    return refusal(50013, "invalid_client", text)


def algorithm_wrong(name: str) -> WireError:
    """The assertion is signed with something other than RS256."""
    text = f"{UNVERIFIED}The assertion is signed with {name}; only RS256 is supported."
    return refusal(5002738, "invalid_client", text)


def _moment(now: Seconds) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _fine(now: Seconds) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
