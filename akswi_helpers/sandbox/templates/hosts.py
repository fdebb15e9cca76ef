"""The deployment around a template, read from Resource Manager itself.

`Ahead` knows what is known before the run; `Live` also answers reference(), with a GET by the one
who deploys, so that a template reads no more than its deployer may.

Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-resource
and -deployment. Left out: reading resources outside the subscription.
"""

from __future__ import annotations

from functools import cached_property

from akswi_helpers.sandbox.templates.builtins import Value
from akswi_helpers.sandbox.templates.planning import Plan, Planned
from akswi_helpers.sandbox.templates.refusals import ExpressionRefused
from akswi_helpers.sandbox.templates.scopes import NeedsRuntime
from akswi_helpers.sandbox.wire import UNVERIFIED, Caller, Reply
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, ResourceId

GROUP_API = "2025-04-01"
SUBSCRIPTION_API = "2022-12-01"


def call(
    world: World, caller: Caller, method: str, path: str, api_version: str, body: Json | None = None
) -> Reply:
    """One request to Resource Manager in process, with all its checks. Raises WireError."""
    from akswi_helpers.sandbox.azure.arm import service as arm  # arm's routes include ours

    return arm.call(world, caller, method, path, api_version, body)


class Ahead:
    """What functions give before the run."""

    def __init__(self, world: World, caller: Caller, id_: ResourceId, template: Json) -> None:
        self.world, self.caller = world, caller
        self.id, self.template = id_, template

    @property
    def group_id(self) -> ResourceId:
        """The id of the group that is deployed to."""
        return "/".join(self.id.split("/")[:5])

    def resource_group(self) -> Json:
        """The group, as a GET answers it."""
        return self._group

    def subscription(self) -> Json:
        """The subscription, as a GET answers it."""
        return self._subscription

    def tenant(self) -> Json:
        """The tenant."""
        return {"id": f"/tenants/{self.world.tenant_id}", "tenantId": self.world.tenant_id}

    def deployment(self) -> Json:
        """The deployment: its name and template."""
        name = self.id.rsplit("/", 1)[1]
        return {"name": name, "properties": {"template": self.template, "mode": "Incremental"}}

    def deployer(self) -> Json:
        """Who deploys."""
        who = {"objectId": self.caller.object_id, "tenantId": self.caller.tenant_id}
        return {**who, "userPrincipalName": ""}  # only a person has one, and none lives here

    def reference(self, target: str, api_version: str, full: bool) -> Value:
        """Raises NeedsRuntime: nothing is made yet."""
        raise NeedsRuntime("reference")

    def references(self, symbol: str, full: bool) -> list[Value]:
        """Raises NeedsRuntime: nothing is made yet."""
        raise NeedsRuntime("references")

    @cached_property
    def _group(self) -> Json:
        reply = call(self.world, self.caller, "GET", self.group_id, GROUP_API)
        return dict(reply.body)

    @cached_property
    def _subscription(self) -> Json:
        path = "/".join(self.id.split("/")[:3])
        return dict(call(self.world, self.caller, "GET", path, SUBSCRIPTION_API).body)


class Live(Ahead):
    """What functions give while the deployment runs."""

    def __init__(
        self, world: World, caller: Caller, id_: ResourceId, template: Json, plan: Plan
    ) -> None:
        super().__init__(world, caller, id_, template)
        self.plan = plan

    def reference(self, target: str, api_version: str, full: bool) -> Value:
        """The properties of `target` (id, name or symbol), or all of it. Raises WireError."""
        found = self.plan.find(target)
        path, version = (found[0].id, found[0].api_version) if found else (target, "")
        return self._read(path, api_version or version, full)

    def references(self, symbol: str, full: bool) -> list[Value]:
        """The same for every resource of the loop `symbol`."""
        return [self._read_planned(planned, full) for planned in self.plan.find(symbol)]

    def _read_planned(self, planned: Planned, full: bool) -> Value:
        return self._read(planned.id, planned.api_version, full)

    def _read(self, path: str, api_version: str, full: bool) -> Value:
        if not path.startswith("/") or not api_version:
            raise ExpressionRefused(
                f"{UNVERIFIED}The resource '{path}' is not defined in the template, and "
                "reference() was given no api-version. "
                "Please see https://aka.ms/arm-syntax for usage details."
            )
        body = call(self.world, self.caller, "GET", path, api_version).body
        whole = {**body, "apiVersion": api_version, "resourceId": path}
        return whole if full else body.get("properties", {})
