"""What the tests change on Azure's side, through the official SDKs and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from azure.identity import ClientSecretCredential
from azure.keyvault.secrets import SecretClient
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.msi import ManagedServiceIdentityClient
from azure.mgmt.resource.deployments import DeploymentsMgmtClient

from tests.chain.standing import GROUP, Standing

SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"


class AzureSide:
    """SDK clients signed in as the deployer, and the things of the lab they see."""

    def __init__(self, standing: Standing) -> None:
        env = standing.env
        self.subscription = env["AZURE_SUBSCRIPTION_ID"]
        proxy = env["HTTPS_PROXY"]
        self.transport: dict[str, Any] = {
            "proxies": {"http": proxy, "https": proxy},
            "connection_verify": env["REQUESTS_CA_BUNDLE"],
        }
        self.credential = ClientSecretCredential(
            env["AZURE_TENANT_ID"],
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

    def app1_credential(self) -> Any:
        """App 1's federated identity credential as it stands."""
        pages = self.identities.federated_identity_credentials.list(GROUP, "id-app1")
        return next(iter(pages))

    @contextmanager
    def credential_with(self, **changes: Any) -> Iterator[None]:
        """App 1's federated identity credential with other values; put back afterwards."""
        good = self.app1_credential()
        self._write(good, **changes)
        try:
            yield
        finally:
            self._write(good)

    @contextmanager
    def no_credential(self) -> Iterator[None]:
        """No federated identity credential on app 1's identity; made again afterwards."""
        good = self.app1_credential()
        self.identities.federated_identity_credentials.delete(GROUP, "id-app1", good.name)
        try:
            yield
        finally:
            self._write(good)

    @contextmanager
    def role_removed(self) -> Iterator[None]:
        """App 1's identity without its role on the vault; given back afterwards."""
        principal = self.identities.user_assigned_identities.get(GROUP, "id-app1").principal_id
        found = self.roles.role_assignments.list_for_subscription(
            filter=f"principalId eq '{principal}'"
        )
        role = next(one for one in found if one.role_definition_id.endswith(SECRETS_USER))
        self.roles.role_assignments.delete(role.scope, role.name)
        try:
            yield
        finally:
            body = {
                "properties": {
                    "roleDefinitionId": role.role_definition_id,
                    "principalId": principal,
                    "principalType": "ServicePrincipal",
                }
            }
            self.roles.role_assignments.create(role.scope, role.name, body)

    @contextmanager
    def secret_disabled(self) -> Iterator[None]:
        """App 1's secret switched off; on again afterwards."""
        secrets = self.secrets()
        secrets.update_secret_properties("arbitrarySecret", enabled=False)
        try:
            yield
        finally:
            secrets.update_secret_properties("arbitrarySecret", enabled=True)

    def _write(self, good: Any, **changes: Any) -> None:
        values = {
            "issuer": good.issuer,
            "subject": good.subject,
            "audiences": good.audiences,
            **changes,
        }
        self.identities.federated_identity_credentials.create_or_update(
            GROUP,
            "id-app1",
            good.name,
            {"properties": values},
        )
