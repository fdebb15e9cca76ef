"""What the sandbox remembers of deployments: status, inputs while it runs, one row per step.

Inputs hold secure values, so they are dropped when the deployment ends. A sandbox killed at any
moment finds here what it was doing.

Source: the shape of Microsoft.Resources/deployments. Left out: the limit of 800 per group.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from akswi_helpers.sandbox.wire import Caller
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, ResourceId

ENDED = frozenset({"Succeeded", "Failed", "Canceled"})


class Deployments:
    """Every deployment of this sandbox, by id. Changes happen inside the caller's transaction."""

    def __init__(self, world: World) -> None:
        self._status = world.table("deployments")
        self._inputs = world.table("deployments.inputs")
        self._steps = world.table("deployments.steps")

    def get(self, id_: ResourceId) -> Json | None:
        """The deployment's status record, or None."""
        return self._status.get(id_.lower())

    def in_group(self, group_id: ResourceId) -> list[Json]:
        """The group's deployments, newest first."""
        start = f"{group_id.lower()}/providers/microsoft.resources/deployments/"
        found = [record for key, record in self._status.items() if key.startswith(start)]
        return sorted(found, key=lambda record: float(record["started"]), reverse=True)

    def running(self) -> list[ResourceId]:
        """The ids of deployments that have not ended."""
        return [r["id"] for r in self._status.values() if r["state"] not in ENDED]

    def begin(self, record: Json, template: Json, values: Json, caller: Caller) -> None:
        """Remember a new deployment in place of an earlier one of that name."""
        self.remove(record["id"])
        key = record["id"].lower()
        self._status.put(key, record)
        inputs = {"template": template, "values": values, "caller": asdict(caller)}
        self._inputs.put(key, inputs)

    def change(self, id_: ResourceId, **changes: object) -> Json:
        """Change fields of a status record and return it."""
        record = {**self._status[id_.lower()], **changes}
        self._status.put(id_.lower(), record)
        return record

    def inputs(self, id_: ResourceId) -> Json:
        """The deployment's template, and its values and caller while it runs."""
        return self._inputs[id_.lower()]

    def forget_values(self, id_: ResourceId) -> None:
        """Keep the template alone: the deployment has ended."""
        self._inputs.put(id_.lower(), {"template": self.inputs(id_)["template"]})

    def step(self, id_: ResourceId, key: str) -> Json | None:
        """What is known of one resource of the deployment; None before it begins."""
        return self._steps.get(_step_key(id_, key))

    def steps(self, id_: ResourceId) -> Iterator[Json]:
        """Every step that has begun, in the order they began."""
        start = _step_key(id_, "")
        found = [step for key, step in self._steps.items() if key.startswith(start)]
        yield from sorted(found, key=lambda step: int(step["place"]))

    def put_step(self, id_: ResourceId, key: str, **changes: object) -> Json:
        """Change fields of a step, made when it is new, and return it."""
        old = self.step(id_, key) or {"place": sum(1 for _ in self.steps(id_))}
        step: Json = {**old, **changes}
        self._steps.put(_step_key(id_, key), step)
        return step

    def remove_group(self, group_id: ResourceId) -> None:
        """Forget the deployments of a group that is gone; those that run end where they are."""
        for record in self.in_group(group_id):
            self.remove(record["id"])

    def remove(self, id_: ResourceId) -> None:
        """Forget a deployment; what it made stays."""
        start = _step_key(id_, "")
        for key in [key for key in self._steps if key.startswith(start)]:
            self._steps.remove(key)
        for table in (self._status, self._inputs):
            if id_.lower() in table:
                table.remove(id_.lower())


def _step_key(id_: ResourceId, key: str) -> str:
    return f"{id_.lower()}|{key}"
