"""What to do about each refusal that a learner of this lab may meet: code and advice.

Data for `explain`. Source: the error references of Entra ID (workload identity federation), Key
Vault, ARM and Kubernetes; the advice is ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from akswi_helpers.scenarios import Scenario

OTHERWISE: Final = (
    "read the code in the service's own documentation; this lab has no advice for it."
)

_COMPARE: Final = (
    'tokens.match(lab, "app1") shows the token and the federated credential side by side; make '
    "them equal, letter by letter."
)

# Entra's codes stand without their AADSTS.
ADVICE: Final[dict[str, str]] = {
    "70025": "give the identity a federated credential: infrastructure.deploy(lab) makes app 1's.",
    "700211": f"the issuer differs, often only by its last slash: {_COMPARE}",
    "700212": f"the audience differs: {_COMPARE}",
    "700213": f"the subject differs (namespace and service account): {_COMPARE}",
    "7002138": f"only upper and lower case differ, and Entra tells them apart: {_COMPARE}",
    "700016": "the client id is nobody's here: compare the service account's annotation with the "
    "identity's client id; an object id is a frequent mistake.",
    "700024": "the pod's token is too old or too new: the kubelet renews it, so read the file "
    "again; look at the clock if that does not help.",
    "50027": "what was sent is no token: three parts with dots between them are expected.",
    "7000272": "the token was signed by a key that the issuer does not publish: was it made by "
    "this cluster?",
    "90061": "Entra could not read the issuer's documents: is the cluster still there?",
    "7000215": "the client secret is wrong: sign in again.",
    "ForbiddenByRbac": "the identity has no role on this vault: infrastructure.deploy(lab) gives "
    "Key Vault Secrets User; on Azure that takes up to ten minutes to work.",
    "NotInjected": "the webhook gives a pod its variables when it is made, if the pod has the "
    "label and its service account the annotation: apps.install(lab) puts back what is missing.",
    "SecretDisabled": "switch the secret on: lab.cloud.secrets(vault).update_secret_properties("
    "'arbitrarySecret', enabled=True).",
    "SecretNotFound": "there is no secret of this name in this vault: look at the spelling, and "
    "at which vault was asked.",
    "Unauthorized": "the vault takes no token, or not this one: ask Entra for one whose audience "
    "is https://vault.azure.net.",
    "AuthorizationFailed": "whoever is signed in lacks a role here; ask an Owner of the "
    "subscription for the action named above.",
    "ResourceGroupNotFound": "look at the name; 01-deploy-the-infrastructure makes the lab's own.",
    "ConflictError": "a vault of this name is soft-deleted: 99-clean-up purges the lab's own; "
    "otherwise pick another resource group.",
    "VaultAlreadyExists": "somebody else has a vault of this name: pick another resource group.",
    "DeploymentActive": "a deployment of this lab still runs; wait until it has ended.",
    "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity": "write the "
    "credentials of one identity one after the other.",
    "NoRegisteredProviderFound": "ask with an api-version that the provider knows.",
    "BadRequest": "the request can be read, and what it says is refused: the reason says why.",
    "Authorization_RequestDenied": "whoever is signed in may not register applications in this "
    "tenant; ask an administrator for the role Application Developer.",
    "Request_ResourceNotFound": "Entra ID has no such object, or not yet: a new one takes some "
    "seconds to be known everywhere.",
    "NotEmulated": "the sandbox does not do this; 'akswi sandbox status' names its coverage table.",
    "Forbidden": "this account may not do that in the cluster, or the cluster's admission says no; "
    "the reason above names what is missing.",
    "NotFound": "look at the name and the namespace.",
    "Identity not found": "the identity is not on this node: node_identity.assign(lab) puts app "
    "3's there; the kubelet tries again by itself.",
    "Multiple user assigned identities exist": "the node has several identities and none was "
    "named: userAssignedIdentityID takes a client id, and apps.install(lab) writes it.",
    "NoSecretProviderClass": "there is no SecretProviderClass of this name in the pod's "
    "namespace: apps.install(lab) puts back what is missing.",
    "NoDriver": "the CSI add-on is not on this node: infrastructure.deploy(lab) switches it on.",
    "NoSuchVault": "no vault has this name: apps.install(lab) writes the right one.",
}  # fmt: skip


def mount_advice(code: str, scenario: Scenario) -> str:
    """What to do when this app's mount is refused with this code; "" where ADVICE says it."""
    if code == "70025" and scenario.name == "app2":
        return "federate app 2: application.federate(lab); the kubelet tries again by itself."
    if code == "ForbiddenByRbac" and scenario.name in ("app2", "app4"):
        return (
            "the identity has no role on this vault: vault_access.grant(lab) gives Key Vault "
            "Secrets User; on Azure that takes up to ten minutes to work."
        )
    return ADVICE.get(code, "").replace('"app1"', f'"{scenario.name}"')
