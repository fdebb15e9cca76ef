"""Owner references: who made an object, and what somebody made.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster
    from akswi_helpers.sandbox.cluster.tables.kinds import Kind


def reference(owner: Json) -> Json:
    """The reference by which a controller marks what it makes."""
    metadata = owner["metadata"]
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controller(obj: Json) -> Json | None:
    """The reference to the object's controller, or None."""
    references = obj["metadata"].get("ownerReferences") or []
    return next((ref for ref in references if ref.get("controller")), None)


def by(cluster: Cluster, kind: Kind, owner: Json) -> list[Json]:
    """The objects of `kind` that `owner` controls; the store's own, copy before changing."""
    metadata = owner["metadata"]
    return [
        obj
        for obj in cluster.store.list(kind, metadata["namespace"])
        if (controller(obj) or {}).get("uid") == metadata["uid"]
    ]
