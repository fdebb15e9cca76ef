"""Runs deployments: each resource in its turn, each step one transaction, through Resource Manager.

    start(world, caller, id, properties) -> record     inside the request's transaction
    advance(world, id) -> bool                         one step; False when it can only wait
    resume(world)                                      at start: go on where the sandbox stopped

A step is a PUT and its record in one transaction: after a kill it has happened or it has not.
Independent resources go on when one fails; what waits for the failed one never begins.

Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/deployment-modes and
deployment history. Left out: mode Complete, onErrorDeployment, cancelling.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from akswi_helpers.sandbox.templates import failures
from akswi_helpers.sandbox.templates.describing import described
from akswi_helpers.sandbox.templates.documents import template_hash
from akswi_helpers.sandbox.templates.hosts import Ahead, Live, call
from akswi_helpers.sandbox.templates.outputs import outputs
from akswi_helpers.sandbox.templates.planning import Plan, Planned, desired
from akswi_helpers.sandbox.templates.prepared import Prepared, prepare
from akswi_helpers.sandbox.templates.records import ENDED, Deployments
from akswi_helpers.sandbox.templates.refusals import ExpressionRefused, NotEmulated, not_processed
from akswi_helpers.sandbox.wire import Caller, Reply, WireError, not_emulated
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, ResourceId

log = logging.getLogger(__name__)

PAUSE_S = 0.02  # between two looks at resources that are being made
_WAITING = frozenset({"", "Succeeded"})  # provisioning states of a resource that is there
_MAX_TICKS = 2**63 - 1
_UNIX_TICKS = 621_355_968_000_000_000  # .NET ticks at 1970-01-01


def start(
    world: World, caller: Caller, id_: ResourceId, properties: Json, tags: Json | None = None
) -> Json:
    """Check a deployment, remember it as Accepted, and run it once the transaction is on disk.

    Returns its record. Raises WireError: InvalidTemplate, 501 NotEmulated.
    """
    template = properties["template"]
    ready = _prepared(
        Ahead(world, caller, id_, template), template, properties.get("parameters") or {}
    )
    now = world.clock.now()
    record: Json = {
        "id": id_,
        "name": id_.rsplit("/", 1)[1],
        "state": "Accepted",
        "mode": "Incremental",
        "started": now,
        "changed": now,
        "correlation": world.ids.random_guid(),
        "operation": f"{_MAX_TICKS - _UNIX_TICKS - int(now * 10_000_000):020d}",
        "templateHash": template_hash(template),
        "parameters": ready.parameters.echoed(),
        "tags": tags,
        **described(ready.plan),
    }
    deployments = world.state(Deployments)
    deployments.begin(record, template, ready.parameters.values, caller)
    world.after_commit(lambda: _spawn(world, id_))
    return record


def resume(world: World) -> None:
    """Go on with every deployment that had not ended when the sandbox stopped."""
    for id_ in world.state(Deployments).running():
        _spawn(world, id_)


async def run(world: World, id_: ResourceId) -> None:
    """Take a deployment to its end, leaving the loop free between steps."""
    while not ended(world, id_):
        try:
            moved = advance(world, id_)
        except Exception:  # a fault of ours: the deployment says so instead of running for ever
            log.exception("deployment %s", id_)
            _finish(world, id_, failures.failed(id_, [failures.fault(id_)]))
            return
        await asyncio.sleep(0 if moved else PAUSE_S)


def ended(world: World, id_: ResourceId) -> bool:
    """Whether the deployment has ended, or was removed."""
    record = world.state(Deployments).get(id_)
    return record is None or record["state"] in ENDED


def advance(world: World, id_: ResourceId) -> bool:
    """Take one step of a deployment that has not ended. False when it can only wait."""
    deployments = world.state(Deployments)
    if deployments.inputs(id_).get("caller") is None:
        return False
    try:
        ready = _ready(world, id_)
    except WireError as error:  # its group is gone, or its deployer's rights
        _finish(world, id_, failures.failed(id_, [failures.detail(error)]))
        return True
    return _Run(world, id_, ready).step()


def _spawn(world: World, id_: ResourceId) -> None:
    world.surroundings.spawn(run(world, id_))


def _prepared(host: Ahead, template: Json, given: Json) -> Prepared:
    try:
        return prepare(host, template, given)
    except NotEmulated as error:
        raise not_emulated(str(error)) from error


def _ready(world: World, id_: ResourceId) -> tuple[Prepared, Live]:
    known, key = world.state(_Known).by_operation, _operation(world, id_)
    if key not in known:
        known[key] = _worked_out(world, id_)
    return known[key]


def _operation(world: World, id_: ResourceId) -> str:
    return str((world.state(Deployments).get(id_) or {}).get("operation", ""))


def _worked_out(world: World, id_: ResourceId) -> tuple[Prepared, Live]:
    inputs = world.state(Deployments).inputs(id_)
    caller, template = Caller(**inputs["caller"]), inputs["template"]
    given = {name: {"value": value} for name, value in inputs["values"].items()}
    ready = _prepared(Ahead(world, caller, id_, template), template, given)
    return ready, Live(world, caller, id_, template, ready.plan)


def _finish(world: World, id_: ResourceId, error: Json | None, **results: object) -> None:
    world.state(_Known).by_operation.pop(_operation(world, id_), None)
    with world.transaction():
        deployments = world.state(Deployments)
        state = "Failed" if error else "Succeeded"
        now = world.clock.now()
        deployments.change(id_, state=state, changed=now, error=error, **results)
        deployments.forget_values(id_)


class _Known:
    """What running deployments were worked out to be; after a restart, worked out again."""

    def __init__(self, world: World) -> None:
        self.by_operation: dict[str, tuple[Prepared, Live]] = {}


class _Run:
    """One look at a running deployment."""

    def __init__(self, world: World, id_: ResourceId, ready: tuple[Prepared, Live]) -> None:
        self.world, self.id = world, id_
        self.ready, self.live = ready
        self.plan: Plan = self.ready.plan
        self.deployments = world.state(Deployments)

    def step(self) -> bool:
        """Begin one resource, or look at those being made, or end. False when it must wait."""
        for planned in self.plan.resources.values():
            if self._may_begin(planned):
                self._begin(planned)
                return True
        going = [p for p in self.plan.resources.values() if self._state(p.key) == "Running"]
        if going:
            return sum(self._look_at(planned) for planned in going) > 0  # every one is looked at
        self._end()
        return True

    def _state(self, key: str) -> str:
        step = self.deployments.step(self.id, key)
        return str(step["state"]) if step else ""

    def _may_begin(self, planned: Planned) -> bool:
        if self._state(planned.key):
            return False
        others = self.plan.waits_for[planned.key]
        return all(self._state(other) in ("Succeeded", "Skipped") for other in others)

    def _begin(self, planned: Planned) -> None:
        try:
            with self.world.transaction():
                self._mark_running()
                if not planned.made:
                    self._note(planned, "Skipped")
                    return
                self._put(planned)
        except WireError as error:
            self._note_failure(planned, error)
        except ExpressionRefused as error:
            self._note_failure(planned, not_processed(f"resource '{planned.id}'", str(error)))
        except NotEmulated as error:
            self._note_failure(planned, not_emulated(str(error)))

    def _put(self, planned: Planned) -> None:
        body = desired(replace(planned, scope=replace(planned.scope, host=self.live)))
        caller = self.live.caller
        reply = call(self.world, caller, "PUT", planned.id, planned.api_version, body)
        code = "Created" if reply.status == 201 else "OK"
        self._judge(planned, reply, statusCode=code)

    def _look_at(self, planned: Planned) -> bool:
        try:
            with self.world.transaction():
                caller = self.live.caller
                reply = call(self.world, caller, "GET", planned.id, planned.api_version)
                self._judge(planned, reply)
        except WireError as error:
            self._note_failure(planned, error)
        return self._state(planned.key) != "Running"

    def _judge(self, planned: Planned, reply: Reply, **notes: object) -> None:
        body = reply.body if isinstance(reply.body, dict) else {}
        properties = body.get("properties") or {}
        state = str(properties.get("provisioningState", ""))
        if state in _WAITING:
            self._note(planned, "Succeeded", **notes)
        elif state in ("Failed", "Canceled"):
            error = failures.terminal(planned.id, state, failures.inner(properties))
            self._note(planned, "Failed", error=error, statusCode="Conflict")
        elif self._state(planned.key) != "Running":
            self._note(planned, "Running", **notes)

    def _note(self, planned: Planned, state: str, **notes: object) -> None:
        now = self.world.clock.now()
        old = self.deployments.step(self.id, planned.key) or {"began": now}
        fields: Json = {"id": planned.id, "type": planned.type, "name": planned.name}
        fields |= {"state": state, "began": old["began"], "changed": now, **notes}
        if not old.get("operation"):
            fields["operation"] = self.world.ids.random_guid().replace("-", "")[:16].upper()
        self.deployments.put_step(self.id, planned.key, **fields)

    def _note_failure(self, planned: Planned, error: WireError) -> None:
        with self.world.transaction():
            self._mark_running()
            code = failures.status_name(error.status)
            self._note(planned, "Failed", error=failures.detail(error), statusCode=code)

    def _mark_running(self) -> None:
        record = self.deployments.get(self.id)
        if record and record["state"] == "Accepted":
            self.deployments.change(self.id, state="Running")

    def _end(self) -> None:
        failed = [step["error"] for step in self._steps("Failed")]
        if failed:
            _finish(self.world, self.id, failures.failed(self.id, failed))
            return
        try:
            with self.world.transaction():
                scope = replace(self.ready.scope, host=self.live)
                found = outputs(self.ready.template, scope)
                _finish(self.world, self.id, None, outputs=found, outputResources=self._made())
        except (WireError, ExpressionRefused, NotEmulated) as error:
            _finish(self.world, self.id, failures.outputs_failed(self.id, error))

    def _steps(self, state: str) -> list[Json]:
        return [step for step in self.deployments.steps(self.id) if step["state"] == state]

    def _made(self) -> list[Json]:
        ids: list[Json] = []
        for step in self._steps("Succeeded"):
            nested = self.deployments.get(step["id"])
            ids += (nested or {}).get("outputResources") or ([] if nested else [{"id": step["id"]}])
        return list({entry["id"]: entry for entry in ids}.values())
