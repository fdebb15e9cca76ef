"""Who manages which fields: `metadata.managedFields`, read and written.

    managers = read(obj)                      {Manager("helm", "Apply", "apps/v1", ""): Owned(…)}
    obj["metadata"]["managedFields"] = written(managers)

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/ and objects of a
kube-apiserver 1.37.2. Left out: joining the oldest of more than ten updaters ("ancient-changes").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from akswi_helpers.sandbox.cluster.merging.fieldsets import FieldSet, from_wire, to_wire
from akswi_helpers.sandbox.cluster.tables.gotext import quoted
from akswi_helpers.types import Json


class Manager(NamedTuple):
    """One entry's identity. An applier is the same in every version: `api_version` is ""."""

    name: str
    operation: str  # "Apply" or "Update"
    api_version: str
    subresource: str

    def printed(self) -> str:
        """As conflicts name it: `"helm"`, or `"x" using apps/v1`."""
        said = quoted(self.name)
        if self.subresource:
            said += f" with subresource {quoted(self.subresource)}"
        return f"{said} using {self.api_version}" if self.operation == "Update" else said


@dataclass(frozen=True, slots=True)
class Owned:
    """The fields of one manager, in which version they were written, and when last."""

    fields: FieldSet
    api_version: str
    time: str | None


Managers = dict[Manager, Owned]


def manager(name: str, operation: str, api_version: str, subresource: str) -> Manager:
    """The identity of who writes; without a name it is "unknown"."""
    version = "" if operation == "Apply" else api_version
    return Manager(name or "unknown", operation, version, subresource)


def read(obj: Json | None) -> Managers:
    """The managers of an object; none when it has none or they cannot be read."""
    found: Managers = {}
    for entry in ((obj or {}).get("metadata") or {}).get("managedFields") or ():
        version, operation = entry.get("apiVersion", ""), entry.get("operation", "")
        readable = version and operation in ("Apply", "Update")
        if not readable or entry.get("fieldsType") != "FieldsV1":
            return {}
        key = manager(entry.get("manager", ""), operation, version, entry.get("subresource", ""))
        found[key] = Owned(from_wire(entry.get("fieldsV1")), version, entry.get("time"))
    return found


def written(managers: Managers) -> list[Json]:
    """The entries as stored: appliers first, then by time and name."""
    order = sorted(
        managers.items(),
        key=lambda one: (
            one[0].operation,
            one[1].time or "",
            one[0].name,
            one[1].api_version,
            one[0].subresource,
        ),
    )
    return [_entry(key, owned) for key, owned in order]


def _entry(key: Manager, owned: Owned) -> Json:
    entry: Json = {"manager": key.name, "operation": key.operation}
    entry["apiVersion"] = owned.api_version
    if owned.time:
        entry["time"] = owned.time
    entry |= {"fieldsType": "FieldsV1", "fieldsV1": to_wire(owned.fields)}
    return {**entry, "subresource": key.subresource} if key.subresource else entry
