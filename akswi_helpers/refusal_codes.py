"""What to do about each refusal that a learner of this lab may meet: code and advice.

Data for `remedies`, which puts the app at hand in the places in braces. Source: the error
references of Entra ID (workload identity federation), Key Vault, ARM and Kubernetes; the advice is
ours.
"""

from __future__ import annotations

from typing import Final

OTHERWISE: Final = (
    "read the code in the service's own documentation; this lab has no advice for it."
)

_COMPARE: Final = "{match} shows token and credential side by side, letter by letter; {trust}"

# Entra's codes stand without their AADSTS.
ADVICE: Final[dict[str, str]] = {
    "70025": "{home} has no federated credential: {trust} makes one.",
    "700211": "the issuer differs, often only by its last slash: it is written on {home}. "
    f"{_COMPARE} writes the cluster's.",
    "700212": "the audience differs: the token was asked for with another one than stands on "
    f"{{home}}. {_COMPARE} writes the usual one.",
    "700213": "the subject differs: {app} runs as {account}, and {home} trusts one subject only. "
    f"{_COMPARE} writes the one that is meant.",
    "7002138": "only upper and lower case of the subject differ, and Entra tells them apart: "
    f"{{app}} runs as {{account}}, to the letter, and {{home}} must say so. {_COMPARE} "
    "writes it as Kubernetes does.",
    "700016": "the client id is nobody's here: compare the annotation of {account} with "
    "{client_id}; an object id in its place is a frequent mistake. apps.install(lab) writes it "
    "anew.",
    "700024": "the pod's token is too old or too new: the kubelet renews it, so read the file "
    "again; look at the clock if that does not help.",
    "50027": "what was sent is no token: three parts with dots between them are expected.",
    "7000272": "the token was signed by a key that the issuer does not publish: was it made by "
    "this cluster?",
    "90061": "Entra could not read the issuer's documents: is the cluster still there?",
    "7000215": "the client secret is wrong: sign in again.",
    "7000218": "an app shows a proof of who it is, a secret or a token that somebody vouches for: "
    "this request held neither.",
    "ForbiddenByRbac": "{app} has no role on this vault: {role} gives Key Vault Secrets User; on "
    "Azure that takes up to ten minutes to work.",
    "NotInjected": "the webhook gives a pod its variables when it is made, if the pod has the "
    "label and {account} the annotation: apps.install(lab) puts back what is missing.",
    "SecretDisabled": "switch the secret on: lab.cloud.secrets({vault})"
    ".update_secret_properties('arbitrarySecret', enabled=True).",
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
    "Identity not found": "the identity is not on this node: {nodes}.",
    "Multiple user assigned identities exist": "the node has several identities and none was "
    "named: userAssignedIdentityID takes a client id, and apps.install(lab) writes it.",
    "NoSecretProviderClass": "there is no SecretProviderClass of this name in the pod's "
    "namespace: apps.install(lab) puts back what is missing.",
    "NoDriver": "the CSI add-on is not on this node: infrastructure.deploy(lab) switches it on.",
    "NoSuchVault": "no vault has this name: apps.install(lab) writes the right one.",
}  # fmt: skip
