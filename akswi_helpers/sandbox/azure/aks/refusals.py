"""What the AKS resource provider refuses; its errors come without the outer "error".

Source: https://learn.microsoft.com/troubleshoot/azure/azure-kubernetes and texts people quote;
those that were not read begin with `wire.UNVERIFIED`.
"""

from __future__ import annotations

from akswi_helpers.sandbox.wire import UNVERIFIED, WireError
from akswi_helpers.types import Json

_HELP = (
    "which is not supported in this region. Please use [az aks get-versions] command to get the "
    "supported version list in this region. For more information, please check "
    "https://aka.ms/supported-version-list"
)


def refused(code: str, text: str, status: int = 400) -> WireError:
    """A refusal in AKS's envelope."""
    return WireError(status, code, text, flat=True)


def version_not_supported(name: str, version: str) -> WireError:
    """A Kubernetes version that AKS does not run here."""
    text = f"Managed cluster {name} is on version {version} {_HELP}"
    return refused("K8sVersionNotSupported", text)


def pool_version_not_supported(version: str) -> WireError:
    """A node pool's Kubernetes version that AKS does not run here."""
    text = f"Version {version} is not supported in this region. Please use "
    return refused("AgentPoolK8sVersionNotSupported", text + _HELP.partition("Please use ")[2])


def missing_parameter(name: str) -> WireError:
    """A value that AKS cannot do without."""
    text = f"Required parameter {name} is missing (null)."
    return refused("InvalidParameter", UNVERIFIED + text)


def invalid_parameter(text: str) -> WireError:
    """A value that AKS does not take."""
    return refused("InvalidParameter", UNVERIFIED + text)


def change_not_allowed(name: str) -> WireError:
    """A property that is fixed when the cluster is made."""
    text = f"Changing property '{name}' is not allowed."
    return refused("PropertyChangeNotAllowed", UNVERIFIED + text)


def local_accounts_disabled() -> WireError:
    """No admin credential while local accounts are off."""
    text = (
        "Getting static credential is not allowed because this cluster is set to disable local "
        "accounts."
    )
    return refused("BadRequest", UNVERIFIED + text)


def addon_in_use(name: str) -> WireError:
    """The Key Vault add-on stays while somebody's SecretProviderClass is there."""
    text = f"The add-on {name} cannot be disabled while a SecretProviderClass exists."
    return refused("BadRequest", UNVERIFIED + text)


def last_system_pool() -> WireError:
    """A cluster needs a system pool."""
    text = "There has to be at least one system agent pool."
    return refused("InvalidParameter", UNVERIFIED + text)


def node_group_taken(name: str) -> WireError:
    """The node resource group exists already."""
    text = f"The node resource group '{name}' already exists."
    return refused("NodeResourceGroupAlreadyExists", UNVERIFIED + text)


def pool_not_found(name: str) -> WireError:
    """The cluster has no pool of that name."""
    return refused("NotFound", UNVERIFIED + f"Could not find agent pool '{name}'.", 404)


def operation_not_found(name: str) -> WireError:
    """Nothing of that name was begun."""
    return refused("NotFound", UNVERIFIED + f"The operation '{name}' was not found.", 404)


def fault(reason: str) -> Json:
    """Not Azure's: the sandbox itself could not make the cluster."""
    return {"code": "SandboxFault", "message": reason}


def too_few_cores(family: str, location: str, wanted: int, left: int) -> WireError:
    """The region's quota has no room for the nodes."""
    text = (
        f"Insufficient vcpu quota requested {wanted}, remaining {left} for family {family} for "
        f"region {location}."
    )
    return refused("ErrCode_InsufficientVCPUQuota", UNVERIFIED + text)
