"""Sandbox or Azure: the only module that knows which, and where every client is made.

    open_target("sandbox")      credential, transport, tenant and subscription, settled once
    Target.resources()          an SDK client, made when first asked for

On the sandbox the clients get proxy and CA explicitly, so that this process is not re-routed behind
its back; on Azure the environment decides, so that a corporate proxy works. Child processes get
theirs through `environment()`. Left out: other clouds than Azure's public one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from akswi_helpers import background, places, retrying, sign_in
from akswi_helpers.errors import LabError
from akswi_helpers.retrying import Renewable
from akswi_helpers.types import Json

if TYPE_CHECKING:
    import ssl

    import httpx
    from azure.core.credentials import TokenCredential
    from azure.keyvault.secrets import SecretClient
    from azure.mgmt.authorization import AuthorizationManagementClient
    from azure.mgmt.compute import ComputeManagementClient
    from azure.mgmt.containerservice import ContainerServiceClient
    from azure.mgmt.keyvault import KeyVaultManagementClient
    from azure.mgmt.msi import ManagedServiceIdentityClient
    from azure.mgmt.resource.deployments import DeploymentsMgmtClient
    from azure.mgmt.resource.resources import ResourceManagementClient
    from msgraph.graph_service_client import GraphServiceClient

RENEW_S = 600  # a token that has less left is asked for anew
GRAPH_SCOPE = "https://graph.microsoft.com/.default"
ARM_SCOPE = sign_in.ARM_SCOPE
AKS_SCOPE = "6dae42f8-4368-4678-94ff-3960e28e3630/.default"  # the AKS server's application

Client = TypeVar("Client")


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in: what Entra's token says, nothing more."""

    object_id: str
    name: str
    kind: str  # "User" or "ServicePrincipal", as role assignments spell it
    app_id: str = ""  # of the application that asked: for a service principal, its own

    def __str__(self) -> str:
        return f"{self.name} ({'a person' if self.kind == 'User' else 'a service principal'})"

    @property
    def owner(self) -> str:
        """How the tag `owner` calls them: a person's user name, else an application's id."""
        return self.name if self.kind == "User" else self.app_id


@dataclass
class Target:
    """Where a lab lives: its clients, and how processes that it starts reach it.

    `transport` is given to every SDK client; `exports` are the variables that only a child process
    gets.
    """

    name: str
    tenant_id: str
    subscription_id: str
    transport: Json = field(default_factory=dict, repr=False)
    exports: dict[str, str] = field(default_factory=dict, repr=False)
    signed_in: TokenCredential | None = field(default=None, repr=False)
    clock: Callable[[], float] = field(default=time.time, repr=False)  # Unix seconds there
    subscription_name: str = ""
    _clients: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def is_sandbox(self) -> bool:
        """Whether nothing here costs money."""
        return self.name == "sandbox"

    @property
    def poll_s(self) -> float:
        """How often it is worth asking whether something long is done, in seconds."""
        return 0.1 if self.is_sandbox else 5.0

    @property
    def patience_s(self) -> float:
        """How long something may take before it is called stuck, in seconds."""
        return 180.0 if self.is_sandbox else 3600.0

    @cached_property
    def credential(self) -> TokenCredential:
        """What signs in: the sandbox's deployer, or whoever Azure's own tools know."""
        from azure import identity

        if self.signed_in is not None:
            return self.signed_in
        return Renewable(
            lambda: identity.ClientSecretCredential(
                self.tenant_id,
                self.exports["AZURE_CLIENT_ID"],
                self.exports["AZURE_CLIENT_SECRET"],
                **self.transport,
            )
        )

    def token(self, scope: str) -> tuple[str, int]:
        """An access token for `scope` and its expiry, Unix seconds there. It is a secret."""
        found = self.credential.get_token(scope).token
        if isinstance(self.credential, Renewable) and _expiry(found) - self.clock() < RENEW_S:
            self.credential.renew()
            found = self.credential.get_token(scope).token
        return found, _expiry(found)

    @cached_property
    def who(self) -> Person:
        """Who is signed in, read from the token that ARM gets."""
        claims = _claims(self.token(ARM_SCOPE)[0])
        app = claims.get("idtyp") == "app" or "upn" not in claims
        name = claims.get("upn") or claims.get("app_displayname") or self._app_name(claims)
        kind = "ServicePrincipal" if app else "User"
        return Person(str(claims["oid"]), str(name), kind, str(claims.get("appid", "")))

    def _app_name(self, claims: Json) -> str:
        return "akswi-deployer" if self.is_sandbox else str(claims.get("appid", "unknown"))

    # Clients: each is made once, on first use; importing this module imports no SDK.

    def resources(self) -> ResourceManagementClient:
        """Resource groups and what is in them."""
        from azure.mgmt.resource.resources import ResourceManagementClient

        return self._arm(ResourceManagementClient)

    def deployments(self) -> DeploymentsMgmtClient:
        """Deployments of templates."""
        from azure.mgmt.resource.deployments import DeploymentsMgmtClient

        return self._arm(DeploymentsMgmtClient)

    def authorization(self) -> AuthorizationManagementClient:
        """Role definitions and role assignments."""
        from azure.mgmt.authorization import AuthorizationManagementClient

        return self._arm(AuthorizationManagementClient)

    def identities(self) -> ManagedServiceIdentityClient:
        """User-assigned identities and their federated credentials."""
        from azure.mgmt.msi import ManagedServiceIdentityClient

        return self._arm(ManagedServiceIdentityClient)

    def vaults(self) -> KeyVaultManagementClient:
        """Vaults, and those that are soft-deleted."""
        from azure.mgmt.keyvault import KeyVaultManagementClient

        return self._arm(KeyVaultManagementClient)

    def compute(self) -> ComputeManagementClient:
        """Scale sets."""
        from azure.mgmt.compute import ComputeManagementClient

        return self._arm(ComputeManagementClient)

    def containers(self) -> ContainerServiceClient:
        """AKS clusters."""
        from azure.mgmt.containerservice import ContainerServiceClient

        return self._arm(ContainerServiceClient)

    def graph(self) -> GraphServiceClient:
        """Applications and service principals; it is async: `background.answer` waits for it."""
        return self._once("graph", lambda: _graph(self.credential, self._trust(), self.proxy()))

    def secrets(self, vault: str) -> SecretClient:
        """The secrets in the vault of this name."""
        from azure.keyvault.secrets import SecretClient

        url = f"https://{vault}.vault.azure.net"
        return self._once(
            ("secrets", vault),
            lambda: SecretClient(url, self.credential, **self.transport, **self._policies()),
        )

    def http(self) -> httpx.Client:
        """A plain HTTP client, for a reader who wants to see each request.

        It adds no token; where a service is busy, it asks again when that says to.
        """
        import httpx

        proxy, trust = self.proxy(), self._trust() or True
        return httpx.Client(
            proxy=proxy,
            verify=trust,
            trust_env=proxy is None,
            timeout=60,
            auth=retrying.unhurried(),
        )

    def proxy(self) -> str | None:
        """The sandbox's proxy; None on Azure, where each client asks the environment."""
        proxies = self.transport.get("proxies")
        return str(proxies["https"]) if proxies else None

    def _trust(self) -> ssl.SSLContext | None:
        import ssl

        file = self.transport.get("connection_verify")
        return ssl.create_default_context(cafile=file) if file else None

    def environment(self) -> dict[str, str]:
        """The variables of a child process: this process's own, then the target's."""
        return {**os.environ, **self.exports}

    def _arm(self, kind: Callable[..., Client]) -> Client:
        return self._once(
            kind,
            lambda: kind(
                self.credential, self.subscription_id, **self.transport, **self._policies()
            ),
        )

    def _policies(self) -> Json:
        """What clients of a sandbox do besides: its clock can be moved, and tokens end then."""
        if not isinstance(self.credential, Renewable):
            return {}
        return {"per_call_policies": [retrying.signed_again(self.credential)]}

    def _once(self, key: object, make: Callable[[], Client]) -> Client:
        if key not in self._clients:
            self._clients[key] = make()
        made: Client = self._clients[key]
        return made


def open_target(name: str) -> Target:
    """The target called "sandbox" (started when it is not running) or "azure"."""
    return _sandbox() if name == "sandbox" else _azure(dict(os.environ))


def _sandbox() -> Target:
    from akswi_helpers.sandbox import control, process

    home = places.home()
    try:
        running = process.ensure(home)
    except process.StartRefused as error:
        raise LabError(str(error)) from error
    exports = process.environment(running)
    proxy = exports["HTTPS_PROXY"]
    return Target(
        "sandbox",
        exports["AZURE_TENANT_ID"],
        exports["AZURE_SUBSCRIPTION_ID"],
        {
            "proxies": {"http": proxy, "https": proxy},
            "connection_verify": exports["REQUESTS_CA_BUNDLE"],
        },
        exports,
        clock=lambda: float(control.ask(home, "clock")["now"]),
    )


def _graph(
    credential: TokenCredential, trust: ssl.SSLContext | None, proxy: str | None
) -> GraphServiceClient:
    """msgraph-sdk through an HTTP client that is closed with it; it never closes one itself."""
    import httpx
    from kiota_authentication_azure.azure_identity_authentication_provider import (
        AzureIdentityAuthenticationProvider,
    )
    from kiota_http.kiota_client_factory import KiotaClientFactory
    from msgraph.graph_request_adapter import GraphRequestAdapter
    from msgraph.graph_service_client import GraphServiceClient

    again = (
        retrying.signed_again_by_httpx(credential, GRAPH_SCOPE)
        if isinstance(credential, Renewable)
        else None
    )
    http = httpx.AsyncClient(
        proxy=proxy, verify=trust or True, trust_env=proxy is None, timeout=60, auth=again
    )
    adapter = GraphRequestAdapter(
        AzureIdentityAuthenticationProvider(credential),
        KiotaClientFactory.create_with_default_middleware(client=http),
    )
    background.close_with(adapter, http.aclose)
    return GraphServiceClient(request_adapter=adapter)


def _azure(env: Mapping[str, str]) -> Target:
    transport = sign_in.transport(env)
    credential = sign_in.credential(transport)
    tenant = sign_in.tenant(credential)
    subscription = sign_in.subscription(env, credential, transport)
    return Target(
        "azure",
        tenant,
        subscription.id,
        transport,
        signed_in=credential,
        subscription_name=subscription.name,
    )


def _expiry(token: str) -> int:
    return int(_claims(token)["exp"])


def _claims(token: str) -> Json:
    from akswi_helpers.pod_tokens import read_unverified

    return read_unverified(token)[1]
