"""Real Azure SDK clients and plain requests against one sandbox."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest
import requests

from akswi_helpers.sandbox.azure.arm import authorization
from akswi_helpers.sandbox.azure.entra.directory import Directory, Principal
from akswi_helpers.sandbox.wire import Caller
from akswi_helpers.sandbox.world import World
from tests.sandbox.conftest import Cloud

if TYPE_CHECKING:
    from azure.keyvault.secrets import SecretClient
    from azure.mgmt.authorization import AuthorizationManagementClient
    from azure.mgmt.compute import ComputeManagementClient
    from azure.mgmt.containerservice import ContainerServiceClient
    from azure.mgmt.keyvault import KeyVaultManagementClient
    from azure.mgmt.msi import ManagedServiceIdentityClient
    from azure.mgmt.resource.resources import ResourceManagementClient

NOT_VERIFIED = "[akswi: wording not verified] "


class Clients:
    """The SDK clients of one sandbox, signed in as its deployer."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud, self.subscription = cloud, str(cloud.settings.subscription_id)
        self._opened: list[Any] = []

    @cached_property
    def resources(self) -> ResourceManagementClient:
        from azure.mgmt.resource.resources import ResourceManagementClient

        return self._open(ResourceManagementClient)  # type: ignore[no-any-return]

    @cached_property
    def identities(self) -> ManagedServiceIdentityClient:
        from azure.mgmt.msi import ManagedServiceIdentityClient

        return self._open(ManagedServiceIdentityClient)  # type: ignore[no-any-return]

    @cached_property
    def roles(self) -> AuthorizationManagementClient:
        from azure.mgmt.authorization import AuthorizationManagementClient

        return self._open(AuthorizationManagementClient)  # type: ignore[no-any-return]

    @cached_property
    def vaults(self) -> KeyVaultManagementClient:
        from azure.mgmt.keyvault import KeyVaultManagementClient

        return self._open(KeyVaultManagementClient)  # type: ignore[no-any-return]

    @cached_property
    def compute(self) -> ComputeManagementClient:
        from azure.mgmt.compute import ComputeManagementClient

        return self._open(ComputeManagementClient)  # type: ignore[no-any-return]

    @cached_property
    def clusters(self) -> ContainerServiceClient:
        from azure.mgmt.containerservice import ContainerServiceClient

        return self._open(ContainerServiceClient)  # type: ignore[no-any-return]

    def secrets(self, vault: str) -> SecretClient:
        """The data plane of one vault."""
        from azure.keyvault.secrets import SecretClient

        url = f"https://{vault}.vault.azure.net"
        client = SecretClient(url, self.cloud.credential, **self.cloud.transport)
        self._opened.append(client)
        return client

    @cached_property
    def me(self) -> str:
        """The deployer's object id."""
        owner = next(iter(self.roles.role_assignments.list_for_subscription()))
        return str(owner.principal_id)

    def assign(self, scope: str, role: str, principal: str = "") -> Any:
        """Give a built-in role, by GUID, to a principal; to the deployer when none is named."""
        definition = f"/subscriptions/{self.subscription}/providers/Microsoft.Authorization"
        values = {
            "roleDefinitionId": f"{definition}/roleDefinitions/{role}",
            "principalId": principal or self.me,
            "principalType": "ServicePrincipal",
        }
        name = str(uuid.uuid4())
        return self.roles.role_assignments.create(scope, name, {"properties": values})

    def group(self, name: str) -> str:
        """Make a resource group in West Europe; returns its id."""
        made = self.resources.resource_groups.create_or_update(name, {"location": "westeurope"})
        return str(made.id)

    def vault(self, group: str, name: str, **properties: Any) -> Any:
        """Make a vault that asks Azure RBAC."""
        values = {
            "tenantId": self.cloud.settings.tenant_id,
            "sku": {"family": "A", "name": "standard"},
            "enableRbacAuthorization": True,
            **properties,
        }
        body: Any = {"location": "westeurope", "properties": values}
        return self.vaults.vaults.begin_create_or_update(group, name, body).result()

    def close(self) -> None:
        """Close every client."""
        for client in self._opened:
            client.close()

    def _open(self, kind: Any) -> Any:
        client = kind(self.cloud.credential, self.subscription, **self.cloud.transport)
        self._opened.append(client)
        return client


class Arm:
    """Plain requests to Resource Manager; "{s}" in a path is the subscription."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.headers = {"authorization": f"Bearer {cloud.token()}"}
        self.tenant = cloud.settings.tenant_id

    def __call__(
        self, method: str, path: str, body: Any = None, version: str = "2025-04-01", **rest: Any
    ) -> requests.Response:
        """One request, signed in as the deployer unless `headers` say otherwise."""
        where = path.replace("{s}", self._cloud.settings.subscription_id)
        mark = "&" if "?" in where else "?"
        url = f"https://management.azure.com{where}" + (
            f"{mark}api-version={version}" * bool(version)
        )
        return self._cloud.raw(method, url, json=body, **{"headers": self.headers, **rest})


@pytest.fixture(scope="module")
def azure(cloud: Cloud) -> Iterator[Clients]:
    clients = Clients(cloud)
    yield clients
    clients.close()


@pytest.fixture(scope="module")
def arm(cloud: Cloud) -> Arm:
    return Arm(cloud)


OWNER = Caller("owner-object", "owner-client", "tenant")
STRANGER = Caller("stranger-object", "stranger-client", "tenant")


@pytest.fixture
def world() -> World:
    """A memory of its own: OWNER owns the subscription "s", STRANGER has no role."""
    world = World(subscription_id="s", tenant_id="72f988bf-86f1-41af-91ab-2d7cd011db47")
    with world.transaction():
        for caller in (OWNER, STRANGER):
            directory = world.state(Directory)
            directory.add(Principal(caller.object_id, caller.client_id, "x", "Application"))
        authorization.seed(world, OWNER.object_id)
    return world


def give(world: World, principal: str, role: str, scope: str) -> None:
    """Assign a built-in role, by GUID, in a World of the test's own."""
    values = {"roleDefinitionId": f"/x/{role}", "principalId": principal}
    name = str(uuid.uuid4())
    document = authorization.assignment_document(scope, name, values, principal, 0.0)
    with world.transaction():
        world.state(authorization.Assignments).put(document)


def refusal(reply: requests.Response) -> tuple[int, str, str]:
    """Status, code and text of a refusal, in whichever envelope."""
    body = reply.json()
    error = body.get("error", body)
    return reply.status_code, error["code"], error["message"]
