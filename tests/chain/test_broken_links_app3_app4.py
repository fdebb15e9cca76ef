"""Each link of the chains of apps 3 and 4 broken alone: the node's identity is the app's.

Identities come and go on the scale sets through the compute SDK, roles through theirs; helm moves
app 3 to another pool; kubectl changes the SecretProviderClass.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager

import pytest

from tests.chain.links import (
    BY_RBAC,
    BY_RBAC_TOO,
    IMDS,
    MOUNT,
    OBJECT,
    Break,
    Chains,
    Link,
    broken_and_mended,
    changed,
    vault,
)

NOBODY = "00000000-aaaa-4bbb-8ccc-000000000000"
NOT_FOUND = IMDS + 'Identity not found"\n}\n'
SEVERAL = (
    "Multiple user assigned identities exist, please specify the clientId / resourceId of the "
    'identity in the token request"\n}\n'
)
POOL = "kubernetes.azure.com/agentpool"
ADD_ON = "azurekeyvaultsecretsprovider-aks-akswi"
CONFIG = MOUNT + "failed to create auth config, error: "


def parameters(app: str, **changes: str | None) -> Break:
    return lambda chains: chains[app].parameters(**changes)


def off_the_nodes(identity: str) -> Break:
    return lambda chains: chains.azure.off_the_nodes(identity)


def resource_id(chains: Chains) -> AbstractContextManager[None]:
    return chains["app3"].parameters(userAssignedIdentityID=chains.azure.outputs["idApp3Id"])


def app3_removed(chains: Chains) -> AbstractContextManager[None]:
    return chains.azure.role_removed(chains.azure.principal("id-app3"))


def app3_on_app4s_vault(chains: Chains) -> AbstractContextManager[None]:
    return chains.azure.role_moved(chains.azure.principal("id-app3"), 4)


def add_on_removed(chains: Chains) -> AbstractContextManager[None]:
    return chains.azure.role_removed(chains.azure.add_on.object_id)


def app3s_identity(chains: Chains) -> AbstractContextManager[None]:
    client = chains.azure.outputs["idApp3ClientId"]
    return chains["app4"].parameters(userAssignedIdentityID=client)


def no_rights_for_app4(chains: Chains) -> AbstractContextManager[None]:
    return chains.azure.role_moved(chains.azure.add_on.object_id, 3)


def the_other_pool(chains: Chains) -> AbstractContextManager[None]:
    """App 3's pod on the system pool, whose nodes do not have its identity."""

    def move(pool: str, *tolerations: dict[str, str]) -> str:
        selected = f"nodeSelector={json.dumps({POOL: pool})}"
        tolerated = f"tolerations={json.dumps(tolerations)}"
        return chains["app3"].upgrade("--set-json", selected, "--set-json", tolerated)

    anything = {"key": "CriticalAddonsOnly", "operator": "Exists"}
    return changed(lambda: move("npsystem", anything), lambda: move("npuser01"))


LINKS = {
    "app 3: the identity is off the scale set": Link("app3", off_the_nodes("id-app3"), NOT_FOUND),
    "app 3: several identities, and none named": Link(
        "app3", parameters("app3", userAssignedIdentityID=None), IMDS + SEVERAL
    ),
    "app 3: the identity is nobody's": Link(
        "app3", parameters("app3", userAssignedIdentityID=NOBODY), NOT_FOUND
    ),
    "app 3: a resource id for a client id": Link("app3", resource_id, NOT_FOUND),
    "app 3: the node is not asked": Link(
        "app3",
        parameters("app3", useVMManagedIdentity="false"),
        CONFIG + "failed to get credentials, nodePublishSecretRef secret is not set",
    ),
    "app 3: both ways at once": Link(
        "app3",
        parameters("app3", usePodIdentity="true"),
        CONFIG + "cannot enable both pod identity and user-assigned managed identity",
    ),
    "app 3: neither yes nor no": Link(
        "app3",
        parameters("app3", useVMManagedIdentity="yes"),
        MOUNT + "failed to parse useVMManagedIdentity flag, error: strconv.ParseBool: parsing "
        '"yes": invalid syntax',
    ),
    "app 3: the other pool": Link(
        "app3", the_other_pool, NOT_FOUND, restarts="a pod stays on the node it was bound to"
    ),
    "app 3: the role is gone": Link("app3", app3_removed, BY_RBAC, BY_RBAC_TOO),
    "app 3: the role is on another vault": Link("app3", app3_on_app4s_vault, BY_RBAC, BY_RBAC_TOO),
    "app 4: the add-on's identity is off the nodes": Link("app4", off_the_nodes(ADD_ON), NOT_FOUND),
    "app 4: another identity of the node": Link("app4", app3s_identity, BY_RBAC, BY_RBAC_TOO),
    "app 4: the role is gone": Link("app4", add_on_removed, BY_RBAC, BY_RBAC_TOO),
    "app 4: the role is on another vault": Link("app4", no_rights_for_app4, BY_RBAC, BY_RBAC_TOO),
    "app 4: the secret is deleted": Link(
        "app4",
        lambda chains: chains.azure.secret_deleted(4),
        OBJECT
        + vault(
            "404 Not Found",
            "SecretNotFound",
            "A secret with (name/id) arbitrarySecret was not found in this key vault. If you "
            "recently deleted this secret you may be able to recover it using the correct "
            "recovery command.",
        ),
    ),
}


@pytest.mark.parametrize("link", LINKS)
def test_broken_link_is_named_and_mending_heals(chains: Chains, link: str) -> None:
    broken_and_mended(chains, LINKS[link])
