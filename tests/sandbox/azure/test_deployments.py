"""Deployments: what they make, what they refuse, and what they say while and after."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from akswi_helpers.sandbox.azure.arm import authorization
from akswi_helpers.sandbox.azure.arm import service as arm
from akswi_helpers.sandbox.azure.arm.deployment_bodies import deployment_body
from akswi_helpers.sandbox.azure.arm.managed_identity import TYPE as IDENTITY
from akswi_helpers.sandbox.azure.arm.resources import Resources
from akswi_helpers.sandbox.azure.entra.directory import Directory, Principal
from akswi_helpers.sandbox.templates import engine
from akswi_helpers.sandbox.templates.records import Deployments
from akswi_helpers.sandbox.wire import Caller, Reply, Request, WireError
from akswi_helpers.sandbox.world import Surroundings, World
from akswi_helpers.types import Json

API = "2025-04-01"
IDENTITY_API = "2024-11-30"
ENVELOPE = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
}


class Lab:
    """One world with a group in it, and the deployer who works there."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.begun: list[Coroutine[Any, Any, None]] = []
        self.world = self._open()
        self.caller = Caller("22222222-2222-2222-2222-222222222222", "me", self.world.tenant_id)
        self.group = f"/subscriptions/{self.world.subscription_id}/resourceGroups/akswi"
        with self.world.transaction():
            me = Principal(self.caller.object_id, "me", "deployer", "Application")
            self.world.state(Directory).add(me)
            authorization.seed(self.world, self.caller.object_id)
        self.call("PUT", self.group, {"location": "westeurope"})

    def _open(self) -> World:
        world = World(self.path)
        nowhere: Any = None  # no TLS and no proxy here
        spawn = self.begun.append
        world.surroundings = Surroundings(Path(), Path(), nowhere, nowhere, spawn)
        return world

    def restart(self) -> None:
        """Lose everything in memory, as a killed sandbox does, and start on the same file."""
        self.close()
        self.world = self._open()
        engine.resume(self.world)

    def close(self) -> None:
        """Forget background work and close the file."""
        for work in self.begun:
            work.close()
        self.begun.clear()
        self.world.close()

    def call(self, method: str, path: str, body: Json | None = None, api: str = API) -> Reply:
        """One request to Resource Manager; a short path is in the group."""
        path = path if path.startswith("/") else f"{self.group}/providers/{path}"
        return arm.call(self.world, self.caller, method, path, api, body)

    def put(self, template: Json, name: str = "main", **parameters: Any) -> Reply:
        """Begin a deployment."""
        given = {key: {"value": value} for key, value in parameters.items()}
        properties = {"mode": "Incremental", "template": template, "parameters": given}
        path = f"Microsoft.Resources/deployments/{name}"
        return self.call("PUT", path, {"properties": properties})

    def finish(self) -> None:
        """Let everything that was begun come to its end."""

        async def all_of_it() -> None:
            tasks: list[asyncio.Task[None]] = []
            while self.begun or tasks:
                tasks += [asyncio.create_task(work) for work in self.begun]
                self.begun.clear()
                done, _ = await asyncio.wait(tasks, timeout=0.01)
                tasks = [task for task in tasks if task not in done]
                for task in done:
                    task.result()

        asyncio.run(asyncio.wait_for(all_of_it(), 30))

    def deploy(self, template: Json, name: str = "main", **parameters: Any) -> Json:
        """Deploy to the end and return the deployment."""
        self.put(template, name, **parameters)
        self.finish()
        return self.get(f"Microsoft.Resources/deployments/{name}")

    def get(self, path: str, api: str = API) -> Json:
        """The body of a GET."""
        body: Json = self.call("GET", path, api=api).body
        return body


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab()
    yield lab
    lab.close()


def template(*resources: Json, **more: Any) -> Json:
    return {**ENVELOPE, "resources": list(resources), **more}


def identity(name: str, **more: Any) -> Json:
    own = {"type": IDENTITY, "apiVersion": IDENTITY_API, "name": name, "location": "westeurope"}
    return {**own, **more}


def nested(name: str, inner: Json, **more: Any) -> Json:
    properties = {
        "mode": "Incremental",
        "expressionEvaluationOptions": {"scope": "inner"},
        "template": inner,
    }
    kind = {"type": "Microsoft.Resources/deployments", "apiVersion": API, "name": name}
    return {**kind, "properties": properties, **more}


CLIENT_ID = f"[reference(resourceId('{IDENTITY}', 'id-a'), '{IDENTITY_API}').clientId]"
BAD_ROLE = {
    "type": "Microsoft.Authorization/roleAssignments",
    "apiVersion": "2022-04-01",
    "name": "not-a-guid",
    "properties": {"roleDefinitionId": "x", "principalId": "y"},
}


def test_deployment_makes_its_resources_and_gives_outputs(lab: Lab) -> None:
    outputs = {"Client": {"type": "string", "value": CLIENT_ID}}
    done = lab.deploy(template(identity("id-a"), outputs=outputs))["properties"]
    made = lab.get(f"{IDENTITY}/id-a", IDENTITY_API)
    assert done["provisioningState"] == "Succeeded"
    assert done["outputs"] == {
        "client": {"type": "String", "value": made["properties"]["clientId"]}
    }
    assert [one["id"].lower() for one in done["outputResources"]] == [made["id"].lower()]


def test_put_answers_201_then_200_and_where_to_ask(lab: Lab) -> None:
    first = lab.put(template(identity("id-a")))
    lab.finish()
    second = lab.put(template(identity("id-a")))
    assert (first.status, second.status) == (201, 200)
    assert first.body["properties"]["provisioningState"] == "Accepted"
    assert "/operationStatuses/0858" in first.headers["azure-asyncoperation"]


def test_operation_status_goes_from_running_to_succeeded(lab: Lab) -> None:
    address = lab.put(template(identity("id-a"))).headers["azure-asyncoperation"]
    path = address.removeprefix("https://management.azure.com").partition("?")[0]
    before = lab.get(path)
    lab.finish()
    assert (before, lab.get(path)) == ({"status": "Running"}, {"status": "Succeeded"})


def test_active_deployment_cannot_be_replaced(lab: Lab) -> None:
    lab.put(template(identity("id-a")))
    with pytest.raises(WireError) as refused:
        lab.put(template())
    assert (refused.value.status, refused.value.code) == (409, "DeploymentActive")


def test_nested_deployment_passes_values_both_ways(lab: Lab) -> None:
    inner = template(
        identity("[parameters('name')]"),
        parameters={"name": {"type": "string"}},
        outputs={"name": {"type": "string", "value": "[parameters('name')]"}},
    )
    module = nested("inner", inner)
    module["properties"]["parameters"] = {"name": {"value": "[concat('id-', 'b')]"}}
    read = f"[reference(resourceId('Microsoft.Resources/deployments', 'inner'), '{API}').outputs"
    outputs = {"name": {"type": "string", "value": read + ".name.value]"}}
    done = lab.deploy(template(module, outputs=outputs))["properties"]
    assert done["outputs"]["name"]["value"] == "id-b"
    assert done["outputResources"][0]["id"].endswith("/id-b")


def test_failed_resource_stops_what_waits_for_it_and_nothing_else(lab: Lab) -> None:
    after = identity("id-after", dependsOn=["not-a-guid"])
    done = lab.deploy(template(BAD_ROLE, identity("id-free"), after))["properties"]
    names = [one["name"] for one in lab.get(f"{lab.group}/resources")["value"]]
    assert done["provisioningState"] == "Failed"
    assert done["error"]["code"] == "DeploymentFailed"
    assert done["error"]["details"][0]["message"]
    assert names == ["id-free"]


def test_failed_nested_deployment_shows_its_reason_inside(lab: Lab) -> None:
    error = lab.deploy(template(nested("inner", template(BAD_ROLE))))["properties"]["error"]
    (outer,) = error["details"]
    assert outer["code"] == "ResourceDeploymentFailure"
    assert outer["details"][0]["code"] == "DeploymentFailed"


def test_expression_that_fails_during_the_run_fails_the_deployment(lab: Lab) -> None:
    tags = {"x": f"[reference(resourceId('{IDENTITY}', 'id-a'), '{IDENTITY_API}').nothing]"}
    done = lab.deploy(template(identity("id-a"), identity("id-b", tags=tags)))["properties"]
    (detail,) = done["error"]["details"]
    assert detail["code"] == "InvalidTemplate"
    assert "The language expression property 'nothing' doesn't exist" in detail["message"]


def test_operations_name_each_resource(lab: Lab) -> None:
    lab.deploy(template(identity("id-a"), identity("id-no", condition=False)))
    path = "Microsoft.Resources/deployments/main/operations"
    first, last = (one["properties"] for one in lab.get(path)["value"])
    assert first["targetResource"]["resourceName"] == "id-a"
    assert (first["statusCode"], last["provisioningOperation"]) == (
        "Created",
        "EvaluateDeploymentOutput",
    )


def test_secure_values_are_neither_shown_nor_kept(lab: Lab) -> None:
    secure = {"s": {"type": "securestring"}}
    outputs = {"s": {"type": "securestring", "value": "[parameters('s')]"}}
    done = lab.deploy(template(parameters=secure, outputs=outputs), s="hunter2")
    kept = lab.world.state(Deployments).inputs(done["id"])
    assert done["properties"]["parameters"] == {"s": {"type": "SecureString"}}
    assert "hunter2" not in json.dumps([done, kept])


CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"


@pytest.fixture
def contributor(lab: Lab) -> Caller:
    """Somebody who may make resources but assign no role."""
    them = Principal("99999999-9999-9999-9999-999999999999", "them", "them", "Application")
    with lab.world.transaction():
        lab.world.state(Directory).add(them)
    definition = f"{lab.group}/providers/Microsoft.Authorization/roleDefinitions/{CONTRIBUTOR}"
    properties = {"roleDefinitionId": definition, "principalId": them.object_id}
    path = f"Microsoft.Authorization/roleAssignments/{CONTRIBUTOR}"
    lab.call("PUT", path, {"properties": properties}, "2022-04-01")
    return Caller(them.object_id, them.client_id, lab.world.tenant_id)


def test_deployer_without_rights_is_refused_before_anything_is_made(
    lab: Lab, contributor: Caller
) -> None:
    lab.caller = contributor
    with pytest.raises(WireError) as refused:
        lab.put(template(identity("id-a"), nested("inner", template(BAD_ROLE))))
    assert refused.value.code == "InvalidTemplateDeployment"
    assert "Microsoft.Authorization/roleAssignments/write" in refused.value.message


def test_rights_taken_away_during_the_run_fail_the_resource(lab: Lab, contributor: Caller) -> None:
    owner, lab.caller = lab.caller, contributor
    lab.put(template(identity("id-a")))
    lab.caller = owner
    path = f"Microsoft.Authorization/roleAssignments/{CONTRIBUTOR}"
    lab.call("DELETE", path, api="2022-04-01")
    lab.finish()
    error = lab.get("Microsoft.Resources/deployments/main")["properties"]["error"]
    assert error["details"][0]["code"] == "AuthorizationFailed"


@pytest.mark.parametrize("steps", range(0, 12, 2))
def test_killed_deployment_goes_on_and_makes_nothing_twice(tmp_path: Path, steps: int) -> None:
    lab = Lab(tmp_path / "state.sqlite")
    lab.put(template(nested("inner", template(identity("id-a"))), identity("id-b")))
    for turn in range(steps):
        running = lab.world.state(Deployments).running()
        if running:
            engine.advance(lab.world, running[turn % len(running)])
    before = {
        one["id"]: one for one in lab.world.state(Resources).in_group(*lab.group.split("/")[2::2])
    }
    lab.restart()
    lab.finish()
    done = lab.get("Microsoft.Resources/deployments/main")
    after = {
        one["id"]: one for one in lab.world.state(Resources).in_group(*lab.group.split("/")[2::2])
    }
    assert done["properties"]["provisioningState"] == "Succeeded"
    assert len(after) == 2
    assert before.items() <= after.items()
    lab.close()


def test_validate_makes_nothing(lab: Lab) -> None:
    properties = {"mode": "Incremental", "template": template(nested("n", template(identity("x"))))}
    path = "Microsoft.Resources/deployments/main"
    seen = lab.call("POST", f"{path}/validate", {"properties": properties}).body["properties"]
    assert [one["id"].rsplit("/", 1)[1] for one in seen["validatedResources"]] == ["x"]
    with pytest.raises(WireError) as gone:
        lab.get(path)
    assert gone.value.code == "DeploymentNotFound"


def test_what_if_tells_create_no_change_modify_and_ignore(lab: Lab) -> None:
    lab.deploy(template(identity("id-a"), identity("id-b"), identity("id-c")))
    wanted = template(identity("id-a"), identity("id-b", tags={"x": "y"}), identity("id-d"))
    body = {"properties": {"mode": "Incremental", "template": wanted}}
    path = "Microsoft.Resources/deployments/main/whatIf"
    changes = lab.call("POST", path, body).body["properties"]["changes"]
    kinds = {one["resourceId"].rsplit("/", 1)[1]: one["changeType"] for one in changes}
    assert kinds == {"id-a": "NoChange", "id-b": "Modify", "id-d": "Create", "id-c": "Ignore"}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"mode": "Complete"}, 501, "NotEmulated"),
        ({"mode": "Sideways"}, 400, "InvalidDeployment"),
        ({"validationLevel": "Never"}, 400, "InvalidRequestContent"),
        ({"debugSetting": {"detailLevel": "requestContent"}}, 501, "NotEmulated"),
        ({"parameters": []}, 400, "InvalidRequestContent"),
        ({"templateLink": {"uri": "https://x"}}, 501, "NotEmulated"),
        ({"onErrorDeployment": {"type": "LastSuccessful"}}, 501, "NotEmulated"),
        ({"parameters": {"x": {"value": 1}}}, 400, "InvalidTemplate"),
        ({"template": {"resources": []}}, 400, "InvalidTemplate"),
    ],
)
def test_deployment_is_refused(lab: Lab, change: Json, status: int, code: str) -> None:
    body = {"properties": {"mode": "Incremental", "template": template(), **change}}
    with pytest.raises(WireError) as refused:
        lab.call("PUT", "Microsoft.Resources/deployments/main", body)
    assert (refused.value.status, refused.value.code) == (status, code)


def test_cancel_is_not_emulated(lab: Lab) -> None:
    lab.put(template(identity("id-a")))
    with pytest.raises(WireError) as refused:
        lab.call("POST", "Microsoft.Resources/deployments/main/cancel")
    assert refused.value.code == "NotEmulated"


def test_deleted_deployment_leaves_what_it_made(lab: Lab) -> None:
    lab.deploy(template(identity("id-a")))
    path = "Microsoft.Resources/deployments/main"
    assert lab.call("HEAD", path).status == 204
    assert lab.call("DELETE", path).status == 204
    assert lab.call("HEAD", path).status == 404
    assert lab.get(f"{IDENTITY}/id-a", IDENTITY_API)["name"] == "id-a"


def test_group_that_goes_takes_its_deployments_along(lab: Lab) -> None:
    lab.deploy(template(identity("id-a")))
    lab.call("DELETE", lab.group)
    lab.finish()
    assert lab.world.state(Deployments).in_group(lab.group) == []
    assert list(lab.world.table("deployments.steps")) == []


def test_exported_template_is_the_one_deployed(lab: Lab) -> None:
    sent = template(identity("id-a"))
    lab.deploy(sent)
    path = "Microsoft.Resources/deployments/main/exportTemplate"
    assert lab.call("POST", path).body == {"template": sent}


def test_body_as_az_writes_it_is_read() -> None:
    text = """{"properties": {"mode": "Incremental", "parameters": {}, template:{
      // a comment with "quotes"
      "resources": [], /* more */ "x": "http://not.a/comment, template: {", "y": "two
lines", }}}"""
    properties, _ = deployment_body(Request("PUT", "h", "/p", body=text.encode()))
    assert properties["template"] == {
        "resources": [],
        "x": "http://not.a/comment, template: {",
        "y": "two\nlines",
    }
