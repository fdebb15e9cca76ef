"""Remove what the lab made, all of it, and prove that nothing is left.

    plan(lab)           what would go
    run(lab)            delete the group, purge its vaults, forget the kubeconfig
    left_behind(lab)    each thing looked for again, where Azure would list it

Only what is the lab's goes: the group by its tag, soft-deleted vaults by theirs, the node group
with its cluster. Run again after a crash, it goes on; run on nothing, it asks and deletes nothing.
Left out: undoing a purge; Azure has no way.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from akswi_helpers import explain, inventory, leftovers, ownership, progress, waiting
from akswi_helpers.errors import Refused
from akswi_helpers.lab import find_group

if TYPE_CHECKING:
    import pandas as pd

    from akswi_helpers.lab import Lab

Seen = TypeVar("Seen")
Row = tuple[str, str, str]  # ("key vault", "kv-app1…", "deleted and purged")

# One name for them all: which caches there are depends on the versions of helm and kubectl.
LOCAL = "kubeconfig, token and caches"
FILES = ("kubeconfig", "token", "kube-cache", "helm", "azure")
DELETING, DENIED = "Deleting", 403
UNKNOWN = "unknown: you may not look"
STAYS = "not yours to purge; they go by themselves after 7 days"


@explain.told
def plan(lab: Lab) -> pd.DataFrame:
    """What `run` would remove: thing, name, and what happens to it. Nothing is changed."""
    import pandas as pd

    rows: list[Row] = []
    if find_group(lab.cloud, lab.resource_group) is not None:
        rows.append(_row("resource group", lab.resource_group, "deleted"))
        found = sorted(inventory.in_group(lab), key=lambda one: (str(one.type), str(one.name)))
        rows += [_row(_plain(str(row.type)), str(row.name), _fate(lab, row)) for row in found]
        rows += leftovers.planned_in_group(lab)
    nodes, vaults = _seen(lab, _nodes) or [], _seen(lab, _deleted_vaults) or []
    rows += [_row("node resource group", name, "goes with its cluster") for name in nodes]
    rows += [_row("soft-deleted vault", row.name, "purged") for row in vaults]
    rows += leftovers.planned_in_entra(lab)
    if _files(lab):
        rows.append(_row(LOCAL, "", "removed"))
    return pd.DataFrame(rows, columns=["thing", "name", "what happens"])


@explain.told
def run(lab: Lab) -> pd.DataFrame:
    """Remove everything that the lab made, and wait until it is gone; one row per step.

    Raises LabError, before anything goes, when the group holds something that is not the lab's.
    Wire: DELETE role assignments of apps 2 and 4, then the resource group; POST purge for each of
    its soft-deleted vaults; DELETE application, then its trace in the recycle bin.
    """
    import pandas as pd

    with progress.step("Cleaning up"):
        _refuse_foreign_group(lab)
        concerned = leftovers.concerns(lab)  # later, the group can no longer tell
        rows = [*leftovers.roles(lab), _group(lab), *_purged(lab)]
        rows += [*leftovers.application_gone(lab), _forgotten(lab)]
    lab.forget()
    lab.once(leftovers.CONCERNED, lambda: concerned)
    if not _still_there(lab):
        lab.ledger.close()
    return pd.DataFrame(rows, columns=["thing", "name", "result"])


@explain.told
def left_behind(lab: Lab) -> pd.DataFrame:
    """Each kind of thing that the lab could have left, and whether Azure still lists one.

    What Azure does not let you list is said to be unknown.
    """
    import pandas as pd

    rows = [
        {"thing": thing, "still there": ", ".join(_names(lab, look)) or "no"}
        for thing, look in _looks(lab).items()
    ]
    return pd.DataFrame(rows)


def _group(lab: Lab) -> Row:
    found = find_group(lab.cloud, lab.resource_group)
    if found is None:
        return _row("resource group", lab.resource_group, "was not there")
    progress.note(f"resource group {lab.resource_group} goes, and its cluster and vaults with it")
    if found.properties.provisioning_state != DELETING:
        poller = lab.cloud.resources().resource_groups.begin_delete(
            lab.resource_group, polling_interval=lab.cloud.poll_s
        )
        poller.wait()
        poller.result()
    # Roles that were given on the group go with it: then it cannot be read any more.
    _wait(lab, lambda: not _seen(lab, _groups))
    _wait(lab, lambda: not _seen(lab, _nodes))
    return _row("resource group", lab.resource_group, "deleted")


def _refuse_foreign_group(lab: Lab) -> None:
    found = find_group(lab.cloud, lab.resource_group)
    if found is None:
        return
    ownership.refuse_foreign(
        f"The resource group '{lab.resource_group}'", found.tags, lab.resource_group
    )
    for row in inventory.in_group(lab):
        ownership.refuse_foreign(f"'{row.name}' in this group", row.tags, lab.resource_group)


def _purged(lab: Lab) -> list[Row]:
    found = _seen(lab, _deleted_vaults)
    if found is None:
        return [_row("soft-deleted vaults", "", STAYS)]
    rows = [_row("soft-deleted vault", str(vault.name), _purge(lab, vault)) for vault in found]
    return rows or [_row("soft-deleted vaults", "", "were not there")]


def _purge(lab: Lab, vault: Any) -> str:
    """Purge one vault; what became of it."""
    progress.note(f"vault {vault.name} is purged")
    done = _seen(lab, lambda lab: [_purge_now(lab, vault)])
    return STAYS if done is None else "purged"


def _purge_now(lab: Lab, vault: Any) -> str:
    poller = lab.cloud.vaults().vaults.begin_purge_deleted(
        vault.name, vault.properties.location, polling_interval=lab.cloud.poll_s
    )
    poller.wait()
    poller.result()
    return str(vault.name)


def _seen(lab: Lab, look: Callable[[Lab], list[Seen]]) -> list[Seen] | None:
    """What a look finds; None when Azure does not allow it."""
    try:
        return explain.told(look)(lab)
    except Refused as refused:
        if refused.refusal.status != DENIED:
            raise
        return None


def _names(lab: Lab, look: Callable[[Lab], list[str]]) -> list[str]:
    """The names that a look finds, or UNKNOWN in place of them."""
    found = _seen(lab, look)
    return [UNKNOWN] if found is None else found


def _forgotten(lab: Lab) -> Row:
    there = _files(lab)
    for name in there:
        path = lab.folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    done = "removed" if there else "were not there"
    return _row(LOCAL, "", done)


def _files(lab: Lab) -> list[str]:
    """The lab's own files and folders that hold something; an empty folder is nothing."""
    found = [lab.folder / name for name in FILES] + sorted(lab.folder.glob("values-*.json"))
    return [
        path.name for path in found if path.is_file() or (path.is_dir() and any(path.iterdir()))
    ]


def _nodes(lab: Lab) -> list[str]:
    """The node resource groups of this group's clusters: a cluster of it manages them.

    A name is no proof: MC_akswi_… may be anybody's, and is the lab's own of a group akswi_two.
    """
    inside = f"{lab.group_id}/".lower()
    listed = lab.cloud.resources().resource_groups.list()
    return [str(row.name) for row in listed if str(row.managed_by or "").lower().startswith(inside)]


def _deleted_vaults(lab: Lab) -> list[Any]:
    """Soft-deleted vaults that carry the lab's tag and lay in its group."""
    inside = f"{lab.group_id}/".lower()
    listed: Any = lab.cloud.vaults().vaults.list_deleted()
    return [
        row
        for row in listed
        if ownership.is_ours(row.properties.tags, lab.resource_group)
        and str(row.properties.vault_id).lower().startswith(inside)
    ]


def _groups(lab: Lab) -> list[str]:
    return [lab.resource_group] if find_group(lab.cloud, lab.resource_group) else []


def _ours(rows: Any, lab: Lab) -> list[str]:
    return [str(row.name) for row in rows if ownership.is_ours(row.tags, lab.resource_group)]


def _clusters(lab: Lab) -> list[str]:
    return _ours(lab.cloud.containers().managed_clusters.list(), lab)


def _vaults(lab: Lab) -> list[str]:
    return _ours(lab.cloud.vaults().vaults.list_by_subscription(), lab)


def _identities(lab: Lab) -> list[str]:
    return _ours(lab.cloud.identities().user_assigned_identities.list_by_subscription(), lab)


def _roles(lab: Lab) -> list[str]:
    listed = lab.cloud.authorization().role_assignments.list_for_subscription()
    inside = lab.group_id.lower()
    return [str(row.name) for row in listed if str(row.scope).lower().startswith(inside)]


def _purgeable(lab: Lab) -> list[str]:
    return [str(row.name) for row in _deleted_vaults(lab)]


LOOKS: dict[str, Callable[[Lab], list[str]]] = {
    "resource group": _groups,
    "AKS cluster": _clusters,
    "node resource group": _nodes,
    "key vaults": _vaults,
    "soft-deleted key vaults": _purgeable,
    "managed identities": _identities,
    "role assignments": _roles,
    LOCAL: _files,
}


def _still_there(lab: Lab) -> list[str]:
    return [thing for thing, look in _looks(lab).items() if _names(lab, look)]


def _looks(lab: Lab) -> dict[str, Callable[[Lab], list[str]]]:
    """Where to look for each thing; Entra is only asked where it can hold something."""
    more = leftovers.LOOKS if leftovers.concerns(lab) else {}
    return {
        **{thing: look for thing, look in LOOKS.items() if thing != LOCAL},
        **more,
        LOCAL: _files,
    }


def _wait(lab: Lab, gone: Callable[[], bool]) -> None:
    then = "run 99-clean-up again to wait on"
    waiting.until(lab, gone, "Azure is still deleting", then, waiting.patience_s(lab))


def _fate(lab: Lab, row: Any) -> str:
    if not ownership.is_ours(row.tags, lab.resource_group):
        return "not the lab's: clean-up refuses"
    return "deleted and purged" if str(row.type).lower() == inventory.VAULT.lower() else "deleted"


def _plain(kind: str) -> str:
    return {
        inventory.CLUSTER.lower(): "AKS cluster",
        inventory.VAULT.lower(): "key vault",
        inventory.IDENTITY.lower(): "managed identity",
    }.get(kind.lower(), kind)


def _row(thing: str, name: str, last: str) -> Row:
    return (thing, name, last)
