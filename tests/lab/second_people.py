"""Other people in a sandbox: service principals with the roles that a test gives them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from akswi_helpers.background import answer
from akswi_helpers.lab import Lab
from akswi_helpers.preflight.rights import ROLES
from akswi_helpers.sandbox import process
from akswi_helpers.targets import Target

CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
RBAC_ADMIN = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
_KIND = "Microsoft.Authorization/roleAssignments"


@dataclass(frozen=True)
class Second:
    """A service principal without a permission of Graph's; `exports` sign a process in as it."""

    object_id: str
    exports: dict[str, str] = field(repr=False)


def make(owner: Lab, name: str) -> Second:
    """Register an application, its principal and a secret, as the owner of the sandbox."""
    from msgraph.generated.applications.item.add_password.add_password_post_request_body import (
        AddPasswordPostRequestBody,
    )
    from msgraph.generated.models.application import Application
    from msgraph.generated.models.password_credential import PasswordCredential
    from msgraph.generated.models.service_principal import ServicePrincipal

    graph: Any = owner.cloud.graph()
    made = answer(graph.applications.post(Application(display_name=name)))
    body = AddPasswordPostRequestBody(password_credential=PasswordCredential(display_name="x"))
    secret = answer(graph.applications.by_application_id(made.id).add_password.post(body))
    principal = answer(graph.service_principals.post(ServicePrincipal(app_id=made.app_id)))
    running = process.running(owner.folder.parent)
    assert running
    mine = {"AZURE_CLIENT_ID": made.app_id, "AZURE_CLIENT_SECRET": secret.secret_text}
    return Second(principal.id, {**process.environment(running), **mine})


def give(owner: Lab, second: Second, role: str, scope: str, condition: str = "") -> None:
    """Assign a built-in role, by GUID, under a condition if there is one."""
    definitions = f"/subscriptions/{owner.cloud.subscription_id}/providers/Microsoft.Authorization"
    values = {
        "roleDefinitionId": f"{definitions}/roleDefinitions/{role}",
        "principalId": second.object_id,
        "principalType": "ServicePrincipal",
        **({"condition": condition, "conditionVersion": "2.0"} if condition else {}),
    }
    body: Any = {"properties": values}
    owner.cloud.authorization().role_assignments.create(scope, str(uuid.uuid4()), body)


def narrowed(*names: str) -> str:
    """The condition that the portal writes for an administrator of these roles alone."""
    roles = ", ".join(ROLES[name] for name in names or ROLES)
    parts = (
        f"((!(ActionMatches{{'{_KIND}/{verb}'}})) OR (@{source}[{_KIND}:RoleDefinitionId] "
        f"ForAnyOfAnyValues:GuidEquals {{{roles}}}))"
        for verb, source in (("write", "Request"), ("delete", "Resource"))
    )
    return " AND ".join(parts)


def lab_of(owner: Lab, second: Second, group: str) -> Lab:
    """A lab as this person opens it on the azure target, before anything is left out."""
    from azure.identity import ClientSecretCredential

    cloud = owner.cloud
    seen = Target("azure", cloud.tenant_id, cloud.subscription_id, cloud.transport, second.exports)
    signed_in = (second.exports["AZURE_CLIENT_ID"], second.exports["AZURE_CLIENT_SECRET"])
    seen.credential = ClientSecretCredential(cloud.tenant_id, *signed_in, **cloud.transport)
    return Lab(seen, group, owner.location, owner.scenarios, "01")
