"""Long-running operations that a provider says "ask me there" about.

Source: https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping

from akswi_helpers.sandbox.azure.arm.timestamps import iso_seconds
from akswi_helpers.sandbox.dials import Dials
from akswi_helpers.sandbox.wire import Request
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, ResourceId, Seconds

Done = Callable[[World, ResourceId], bool]


class Operations:
    """Operations by their GUID: {"resource", "start", "end"?, "error"?}."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rows = world.table("arm.operations")

    def begin(self, resource_id: ResourceId, *, done: bool = False, takes: Seconds = 0) -> str:
        """A new operation on a resource; its GUID. One that is `done` shows it after `takes`."""
        name = self._world.ids.random_guid()
        now = self._world.clock.now()
        end = {"end": now + takes} if done else {}
        self._rows.put(name, {"resource": resource_id, "start": now, **end})
        return name

    def finish(self, resource_id: ResourceId, error: Json | None = None) -> None:
        """Every open operation on the resource has come to its end, with this error if any."""
        failed = {"error": error} if error else {}
        for name, row in list(self._rows.items()):
            if row["resource"].lower() == resource_id.lower() and "end" not in row:
                self._rows.put(name, {**row, "end": self._world.clock.now(), **failed})

    def get(self, name: str) -> Json | None:
        """The operation, or None; without its "end" while that has not come."""
        found = self._rows.get(name.lower())
        if found and found.get("end", 0) > self._world.clock.now():
            return {key: value for key, value in found.items() if key != "end"}
        return found


def poll_headers(world: World) -> Mapping[str, str]:
    """The headers that tell a client when to look at an operation again."""
    return world.state(Dials).poll_headers()


def headers_for(
    world: World, request: Request, provider: str, location: str, operation: str
) -> dict[str, str]:
    """The headers that send a client to the operation's status."""
    version = "2016-03-30" if "Container" in provider else request.query.get("api-version", "")
    scope = f"/subscriptions/{request.args['subscription']}/providers/{provider}"
    place = f"{scope}/locations/{location}/operations/{operation}?api-version={version}"
    return {"azure-asyncoperation": f"https://{request.host}{place}", **poll_headers(world)}


def status_document(operation: str, row: Json) -> Json:
    """An operation's status; its name is the GUID with three groups byte-swapped, as AKS does."""
    swapped = str(uuid.UUID(bytes=uuid.UUID(operation).bytes_le))
    body = {"name": swapped, "status": "InProgress", "startTime": iso_seconds(row["start"])}
    if "end" in row:
        state = "Failed" if "error" in row else "Succeeded"
        body |= {"status": state, "endTime": iso_seconds(row["end"])}
    if "error" in row:
        body |= {"error": row["error"]}
    return body
