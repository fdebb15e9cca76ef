"""What the tests change on Azure's side, through the official SDKs and nothing else."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from azure.identity import ClientSecretCredential
from azure.keyvault.secrets import SecretClient
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.containerservice import ContainerServiceClient
from azure.mgmt.msi import ManagedServiceIdentityClient
from azure.mgmt.resource.deployments import DeploymentsMgmtClient

from tests.chain.graph_side import Registered
from tests.chain.standing import GROUP, Standing

SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"


class AzureSide:
    """SDK clients signed in as the deployer, and the things of the lab they see."""

    def __init__(self, standing: Standing) -> None:
        env = standing.env
        self._standing = standing
        self.subscription, self.tenant = env["AZURE_SUBSCRIPTION_ID"], env["AZURE_TENANT_ID"]
        proxy = env["HTTPS_PROXY"]
        self.transport: dict[str, Any] = {
            "proxies": {"http": proxy, "https": proxy},
            "connection_verify": env["REQUESTS_CA_BUNDLE"],
        }
        self.credential = ClientSecretCredential(
            self.tenant,
            env["AZURE_CLIENT_ID"],
            env["AZURE_CLIENT_SECRET"],
            **self.transport,
        )

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The deployment's outputs, by name."""
        client = DeploymentsMgmtClient(self.credential, self.subscription, **self.transport)
        main: Any = client.deployments.get(GROUP, "main").properties
        outputs: Any = main.outputs
        return {name: output["value"] for name, output in outputs.items()}

    @cached_property
    def identities(self) -> ManagedServiceIdentityClient:
        """The managed identities' client."""
        return ManagedServiceIdentityClient(self.credential, self.subscription, **self.transport)

    @cached_property
    def roles(self) -> AuthorizationManagementClient:
        """The role assignments' client."""
        return AuthorizationManagementClient(self.credential, self.subscription, **self.transport)

    def secrets(self, number: int = 1) -> SecretClient:
        """The data plane of app `number`'s vault."""
        url = f"https://{self.outputs[f'kvApp{number}Name']}.vault.azure.net"
        return SecretClient(url, self.credential, **self.transport)

    @cached_property
    def scale_sets(self) -> ComputeManagementClient:
        """The node pools' scale sets."""
        return ComputeManagementClient(self.credential, self.subscription, **self.transport)

    @cached_property
    def application(self) -> Registered:
        """App 2's application in Entra ID."""
        token = self.credential.get_token("https://graph.microsoft.com/.default").token
        return Registered(self._standing, token)

    @cached_property
    def add_on(self) -> Any:
        """The identity that AKS made for the CSI add-on: client_id, object_id."""
        with ContainerServiceClient(self.credential, self.subscription, **self.transport) as client:
            cluster = client.managed_clusters.get(GROUP, self.outputs["aksClusterName"])
        profiles: Any = cluster.addon_profiles
        return profiles["azureKeyvaultSecretsProvider"].identity

    def value(self, number: int) -> str:
        """What the deployer reads from app `number`'s vault."""
        return str(self.secrets(number).get_secret("arbitrarySecret").value)

    def principal(self, identity: str) -> str:
        """The object id of a managed identity of the lab's group."""
        found = self.identities.user_assigned_identities.get(GROUP, identity)
        return str(found.principal_id)

    def credential_of(self, identity: str) -> Any:
        """The identity's federated credential as it stands."""
        return next(iter(self.identities.federated_identity_credentials.list(GROUP, identity)))

    @contextmanager
    def credential_with(self, identity: str = "id-app1", **changes: Any) -> Iterator[None]:
        """The identity's federated credential with other values; put back afterwards."""
        good = self.credential_of(identity)
        self._write(identity, good, **changes)
        try:
            yield
        finally:
            self._write(identity, good)

    @contextmanager
    def no_credential(self, identity: str = "id-app1") -> Iterator[None]:
        """No federated credential on the identity; made again afterwards."""
        good = self.credential_of(identity)
        self.identities.federated_identity_credentials.delete(GROUP, identity, good.name)
        try:
            yield
        finally:
            self._write(identity, good)

    @contextmanager
    def role_removed(self, principal: str) -> Iterator[None]:
        """A principal without its role on its vault; given back afterwards."""
        role = self._role(principal)
        self.roles.role_assignments.delete(role.scope, role.name)
        try:
            yield
        finally:
            self._assign(role, role.scope, role.name)

    @contextmanager
    def role_moved(self, principal: str, number: int) -> Iterator[None]:
        """The principal's role on the vault of app `number` in place of its own."""
        role, other = self._role(principal), str(uuid.uuid4())
        vaults = role.scope.rpartition("/")[0]
        elsewhere = f"{vaults}/{self.outputs[f'kvApp{number}Name']}"
        with self.role_removed(principal):
            self._assign(role, elsewhere, other)
            yield
            self.roles.role_assignments.delete(elsewhere, other)

    @contextmanager
    def secret_disabled(self, number: int = 1) -> Iterator[None]:
        """The secret of app `number` switched off; on again afterwards."""
        secrets = self.secrets(number)
        secrets.update_secret_properties("arbitrarySecret", enabled=False)
        try:
            yield
        finally:
            secrets.update_secret_properties("arbitrarySecret", enabled=True)

    @contextmanager
    def secret_deleted(self, number: int) -> Iterator[None]:
        """The secret of app `number` deleted; recovered afterwards."""
        secrets = self.secrets(number)
        secrets.begin_delete_secret("arbitrarySecret", _polling_interval=0).result()
        try:
            yield
        finally:
            secrets.begin_recover_deleted_secret("arbitrarySecret", _polling_interval=0).wait()

    @contextmanager
    def off_the_nodes(self, identity: str) -> Iterator[None]:
        """No pool's nodes have the identity (by name); those that had it have it again."""
        pools = self.scale_sets.virtual_machine_scale_sets.list(self._nodes)
        had = [(str(pool.name), id_) for pool in pools for id_ in _held(pool, identity)]
        for pool, id_ in had:
            self._patch(pool, {id_: None})
        try:
            yield
        finally:
            for pool, id_ in had:
                self._patch(pool, {id_: {}})

    @property
    def _nodes(self) -> str:
        return self.outputs["nodeResourceGroup"]

    def _patch(self, scale_set: str, identities: dict[str, Any]) -> None:
        body: Any = {"identity": {"type": "UserAssigned", "userAssignedIdentities": identities}}
        self.scale_sets.virtual_machine_scale_sets.begin_update(
            self._nodes, scale_set, body, polling_interval=0
        ).result()

    def _role(self, principal: str) -> Any:
        """The principal's role assignment on a vault."""
        found = self.roles.role_assignments.list_for_subscription(
            filter=f"principalId eq '{principal}'"
        )
        return next(one for one in found if one.role_definition_id.endswith(SECRETS_USER))

    def _assign(self, role: Any, scope: str, name: str) -> None:
        values = {
            "roleDefinitionId": role.role_definition_id,
            "principalId": role.principal_id,
            "principalType": "ServicePrincipal",
        }
        self.roles.role_assignments.create(scope, name, {"properties": values})

    def _write(self, identity: str, good: Any, **changes: Any) -> None:
        values = {
            "issuer": good.issuer,
            "subject": good.subject,
            "audiences": good.audiences,
            **changes,
        }
        self.identities.federated_identity_credentials.create_or_update(
            GROUP, identity, good.name, {"properties": values}
        )


def _held(pool: Any, identity: str) -> list[str]:
    """The resource id of the identity of that name on a scale set, or nothing."""
    every = (pool.identity.user_assigned_identities if pool.identity else None) or {}
    return [one for one in every if one.rpartition("/")[2] == identity]
