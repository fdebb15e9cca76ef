"""Who calls the cluster: a user's name, groups and, for an Entra principal, its object id.

Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from akswi_helpers.types import ObjectId


@dataclass(frozen=True, slots=True)
class User:
    """An authenticated caller. `object_id` is set for Entra principals only."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: dict[str, list[str]] = field(default_factory=dict)
    object_id: ObjectId = ""


SYSTEM = User("system:apiserver", ("system:masters", "system:authenticated"))
"""The control plane itself: controllers, kubelets, the API server."""
