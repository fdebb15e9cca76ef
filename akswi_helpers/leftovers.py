"""What a deleted resource group would leave in Entra ID: app 2's application and its principal.

    roles(lab)              the role assignments of apps 2 and 4 go, before they point at nobody
    application_gone(lab)   the application goes, from the recycle bin too

For `clean_up`. Entra is asked only where there can be something: app 2 is chosen, the ledger names
an application, or the group holds app 2's deployment. Left out: everything inside the group.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from akswi_helpers import (
    application,
    brought,
    infrastructure,
    inventory,
    node_identity,
    vault_access,
)
from akswi_helpers.errors import LabError

if TYPE_CHECKING:
    from akswi_helpers.lab import Lab

Row = tuple[str, str, str]

CONCERNED = "whether Entra can hold something of this lab's"
IN_ENTRA, IN_THE_BIN = "application in Entra ID", "application in the recycle bin"


def concerns(lab: Lab) -> bool:
    """Whether Entra can hold something of this lab's."""
    return lab.once(CONCERNED, lambda: _concerns(lab))


def planned_in_group(lab: Lab) -> list[Row]:
    """What goes with the group and is not a resource of it: access, an identity on the nodes."""
    made = vault_access.assignments(lab)
    rows = [
        ("role assignment", inventory.name(str(row.scope)), "deleted")
        for row in inventory.roles(lab)
        if str(row.id).lower() in made
    ]
    if any(one.name == node_identity.APP for one in lab.scenarios) and _on_the_nodes(lab):
        rows.append(("identity on the nodes", "id-app3", "goes with its node pool"))
    return rows


def planned_in_entra(lab: Lab) -> list[Row]:
    """The application, wherever it is."""
    if not concerns(lab):
        return []
    rows = [(IN_ENTRA, name, "deleted for good") for name in application.registered(lab)]
    return rows + [(IN_THE_BIN, name, "deleted for good") for name in application.recycled(lab)]


def roles(lab: Lab) -> list[Row]:
    """Delete what `vault_access.grant` assigned; a row for each vault."""
    return [("role assignment", vault, "deleted") for vault in vault_access.revoke(lab)]


def application_gone(lab: Lab) -> list[Row]:
    """Delete the application for good, its service principal with it."""
    if brought.client_id(lab) and lab.ledger.ids(brought.CREDENTIAL):
        application.unfederate(lab)
        return [("federated credential", brought.client_id(lab), "deleted; its application stays")]
    if not concerns(lab):
        return []
    removed = application.remove(lab)
    return [(IN_ENTRA, application.NAME, "deleted for good" if removed else "was not there")]


def _concerns(lab: Lab) -> bool:
    if brought.client_id(lab):
        return bool(lab.ledger.ids(application.KIND))
    if any(one.name == "app2" for one in lab.scenarios) or lab.ledger.ids(application.KIND):
        return True
    return infrastructure.get(lab, vault_access.deployment("app2")) is not None


def _on_the_nodes(lab: Lab) -> bool:
    try:
        return node_identity.assigned(lab)
    except LabError:
        return False


LOOKS: dict[str, Callable[[Lab], list[str]]] = {
    IN_ENTRA: application.registered,
    IN_THE_BIN: application.recycled,
}
