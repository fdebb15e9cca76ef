"""What the driver and the Azure provider say when a volume cannot be made, in their own words.

AKS runs provider 1.7.2; where 1.8.2 says something else, `NEWER` switches to that.

Source: Azure/secrets-store-csi-driver-provider-azure 1.7.2 and 1.8.2, both run against a real
API server; kubernetes-sigs/secrets-store-csi-driver; azidentity and azcore, whose error texts these
repeat. Left out: what other providers say.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import NoReturn

from akswi_helpers.sandbox.wire import UNVERIFIED
from akswi_helpers.types import Json

NEWER = False  # True: the words of provider 1.8.2

RULE = "-" * 80
_HELP = "To troubleshoot, visit https://aka.ms/azsdk/go/identity/troubleshoot#managed-id"
_IDENTITY = "ManagedIdentityCredential authentication failed. "
_NOT_ASSIGNED = "the requested identity isn't assigned to this resource"


class ProviderError(Exception):
    """The provider could not give what the SecretProviderClass asks for; its own words."""


class DriverError(Exception):
    """The driver refused the volume. `code` is the gRPC code."""

    def __init__(self, text: str, code: str = "Unknown") -> None:
        super().__init__(text)
        self.code = code


def refuse(text: str) -> NoReturn:
    """Raise ProviderError with a text that was read off the provider."""
    raise ProviderError(text)


def unverified(text: str) -> ProviderError:
    """A refusal whose exact words were not read off the provider."""
    return ProviderError(UNVERIFIED + text)


def not_emulated(what: str) -> ProviderError:
    """Something the provider can do and the sandbox cannot."""
    return ProviderError(f"the sandbox does not emulate {what}")


def set_up(error: DriverError) -> str:
    """The kubelet's FailedMount text for a volume that the driver refused."""
    return f"rpc error: code = {error.code} desc = {error}"


def by_driver(namespace: str, pod: str, why: str) -> DriverError:
    """The driver's wrapping of what went wrong behind it."""
    return DriverError(
        f"failed to mount secrets store objects for pod {namespace}/{pod}, err: {why}"
    )


def by_provider(error: ProviderError) -> str:
    """The provider's answer over gRPC, whose code is always Unknown."""
    return f"rpc error: code = Unknown desc = failed to mount objects, error: {error}"


def of_object(kind: str, name: str, version: str, why: str) -> str:
    """One object that could not be had."""
    return f"failed to get objectType:{kind}, objectName:{name}, objectVersion:{version}: {why}"


def configuring(mode: str, why: str) -> str:
    """The authentication cannot be configured from what the parameters say."""
    if NEWER:
        return f"failed to build auth config for mode {mode}: {why}"
    return f"failed to create auth config, error: {why}"


def missing(name: str) -> str:
    """A parameter without which nothing works."""
    return f"{name} is not {'provided' if NEWER else 'set'}"


def too_many_modes() -> str:
    """More than one identity mode."""
    if NEWER:
        return (
            "only one identity mode can be enabled at a time: usePodIdentity, "
            "useVMManagedIdentity, or useAzureTokenProxy"
        )
    both = "cannot enable both pod identity and user-assigned managed identity"
    return f"failed to create auth config, error: {both}"


# What Entra, the node's metadata service and Key Vault answered, as Azure's Go libraries print it


def indented(body: str) -> str:
    """JSON with two spaces; anything else as it is."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body


def assertion_refused(url: str, status: int, body: str) -> str:
    """Entra did not take the pod's token."""
    phrase = HTTPStatus(status).phrase
    said = "" if NEWER else f"FromAssertion(): {_call('POST', url, status, body)}"
    first = f"ClientAssertionCredential authentication failed. {said}\n"
    shown = f"{status}: {status} {phrase}" if NEWER else f"{status} {phrase}"
    return _framed(first, f"POST {url}", shown, body) + ("" if NEWER else "\n")


def authority_unknown(url: str, status: int, body: str) -> str:
    """Entra does not describe this tenant."""
    why = f"unable to resolve an endpoint: {_call('GET', url, status, body)}"
    return f"{UNVERIFIED}ClientAssertionCredential: {why}"


def identity_refused(url: str, status: int, body: str, *, named: bool) -> str:
    """The node's metadata service has no such identity, or several and none was named."""
    phrase = HTTPStatus(status).phrase
    if NEWER and not named:
        why = "failed to authenticate a system assigned identity"
        return f"ManagedIdentityCredential: {why}. The endpoint responded with {body}"
    shown = f"{status}: {status} {phrase}" if NEWER else f"{status} {phrase}"
    block = _framed("", f"GET {url}", shown, body) + f"\n{_HELP}"
    once = f"{_IDENTITY}{_NOT_ASSIGNED}\n{block}"
    return once if NEWER else f"{_IDENTITY}{once}\n{block}"


def vault_refused(url: str, status: int, body: str) -> str:
    """Key Vault did not give the object."""
    lines = [f"GET {url}", RULE, f"RESPONSE {status}: {status} {HTTPStatus(status).phrase}"]
    code = _code(body)
    lines.append(f"ERROR CODE: {code}" if code else "ERROR CODE UNAVAILABLE")
    return "\n".join([*lines, RULE, indented(body) or "Response contained no body", RULE, ""])


def no_such_host(url: str, host: str) -> str:
    """The vault's name does not resolve."""
    return f'Get "{url}": dial tcp: lookup {host} on 10.0.0.10:53: no such host'


def _call(method: str, url: str, status: int, body: str) -> str:
    return f"http call({url})({method}) error: reply status code was {status}:\n{body}"


def _framed(first: str, request: str, status: str, body: str) -> str:
    return first + "\n".join([request, RULE, f"RESPONSE {status}", RULE, indented(body), RULE])


def _code(body: str) -> str:
    try:
        found: Json = json.loads(body)
        return str(found["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""
