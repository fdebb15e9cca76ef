"""App 3's identity on the nodes of its pool: put there, looked at, taken away.

    assign(lab)     the pool's scale set carries id-app3
    remove(lab)     it carries it no more; app 3 breaks at its next read
    table(lab)      which identities the nodes of each pool have

Every pod on those nodes can then be app 3, for IMDS asks no pod who it is. AKS does not track what
is done to a scale set: a new pool, or one made again, comes without it. Source:
https://learn.microsoft.com/rest/api/compute/virtual-machine-scale-sets/update. Left out: clusters
whose node group is locked down; Azure refuses there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from akswi_helpers import explain, infrastructure, inventory, ownership, progress, waiting
from akswi_helpers.errors import NotThereYet

if TYPE_CHECKING:
    import pandas as pd

    from akswi_helpers.lab import Lab

POOL_TAG = "aks-managed-poolName"
APP, ID_OUTPUT = "app3", "idApp3Id"


@dataclass(frozen=True)
class NodeIdentity:
    """An identity and the scale set it is for. `changed` says whether this call changed it."""

    identity: str
    scale_set: str
    assigned: bool
    changed: bool

    def __repr__(self) -> str:
        where = "on" if self.assigned else "not on"
        did = "changed now" if self.changed else "left alone"
        return f"{self.identity} is {where} the nodes of {self.scale_set}: {did}"


@explain.told
def assign(lab: Lab) -> NodeIdentity:
    """Put app 3's identity on its pool's scale set, beside those it has; leave it when it is there.

    Raises NotThereYet without a cluster, LabError for one that is not the lab's, Refused when Azure
    refuses. Wire: GET scale sets, PATCH scale set, GET until it is shown.
    """
    return _bring(lab, assigned=True)


@explain.told
def remove(lab: Lab) -> NodeIdentity:
    """Take app 3's identity off its pool's scale set; the others stay. Wire: as `assign`."""
    return _bring(lab, assigned=False)


@explain.told
def assigned(lab: Lab) -> bool:
    """Whether the nodes of app 3's pool have its identity, as Azure shows it."""
    return _has(_scale_set(lab), infrastructure.outputs(lab)[ID_OUTPUT])


@explain.told
def table(lab: Lab) -> pd.DataFrame:
    """Which identities the nodes of each pool have: every pod there can be each of them."""
    import pandas as pd

    rows = [
        {"pool": _pool(row), "identity": name}
        for row in _scale_sets(lab)
        for name in sorted(inventory.name(id_) for id_ in _identities(row))
    ]
    found = pd.DataFrame(rows, columns=["pool", "identity"])
    return found.sort_values(["pool", "identity"], ignore_index=True)


def _bring(lab: Lab, *, assigned: bool) -> NodeIdentity:
    identity = infrastructure.outputs(lab)[ID_OUTPUT]
    found = _scale_set(lab)
    changed = _has(found, identity) != assigned
    if changed:
        _refuse_foreign(lab)
        way = "comes to" if assigned else "leaves"
        with progress.step(f"{inventory.name(identity)} {way} the nodes of {_pool(found)}"):
            _patch(lab, found, identity, assigned)
            _until_shown(lab, identity, assigned)
    return NodeIdentity(inventory.name(identity), str(found.name), assigned, changed)


def _patch(lab: Lab, scale_set: Any, identity: str, assigned: bool) -> None:
    """Change that one identity; a PATCH keeps those it does not name, and null takes one away."""
    named: dict[str, Any] = {identity: {} if assigned else None}
    body: Any = {"identity": {"type": _kind(scale_set), "userAssignedIdentities": named}}
    poller = lab.cloud.compute().virtual_machine_scale_sets.begin_update(
        _group(lab), scale_set.name, body, polling_interval=lab.cloud.poll_s
    )
    poller.wait()
    poller.result()


def _kind(scale_set: Any) -> str:
    """The kind of identities that it has, which a change of one must name again."""
    kind = str(infrastructure.word(scale_set.identity.type)) if scale_set.identity else ""
    return kind if "UserAssigned" in kind else "UserAssigned"


def _until_shown(lab: Lab, identity: str, assigned: bool) -> None:
    waiting.until(
        lab,
        lambda: _has(_scale_set(lab), identity) == assigned,
        "Azure does not show the change of the nodes' identities that it took",
        "look at node_identity.table(lab), and call this again",
        waiting.patience_s(lab),
    )


def _scale_set(lab: Lab) -> Any:
    """The scale set of app 3's pool, found by AKS's own tag."""
    pool = infrastructure.outputs(lab)["aksUserNodePoolName"]
    for row in _scale_sets(lab):
        if _pool(row) == pool:
            return row
    raise NotThereYet(
        f"There is no scale set for the pool '{pool}': run 01-deploy-the-infrastructure first, or "
        "set catch_up = True."
    )


def _scale_sets(lab: Lab) -> list[Any]:
    return list(lab.cloud.compute().virtual_machine_scale_sets.list(_group(lab)))


def _group(lab: Lab) -> str:
    return infrastructure.outputs(lab)["nodeResourceGroup"]


def _pool(scale_set: Any) -> str:
    return str((scale_set.tags or {}).get(POOL_TAG, ""))


def _identities(scale_set: Any) -> list[str]:
    found = scale_set.identity.user_assigned_identities if scale_set.identity else None
    return list(found or {})


def _has(scale_set: Any, identity: str) -> bool:
    return identity.lower() in [one.lower() for one in _identities(scale_set)]


def _refuse_foreign(lab: Lab) -> None:
    """The node group carries no tag of the lab's; its cluster does."""
    name = infrastructure.outputs(lab)["aksClusterName"]
    found = lab.cloud.containers().managed_clusters.get(lab.resource_group, name)
    ownership.refuse_foreign(f"The cluster '{name}'", found.tags, lab.resource_group)
