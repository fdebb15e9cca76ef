"""Deployments through Azure's own Python SDK, over the wire, from a real sandbox process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.resource.deployments import DeploymentsMgmtClient

from akswi_helpers import places
from tests.sandbox.azure.test_deployments import BAD_ROLE, identity, nested, template

if TYPE_CHECKING:
    from tests.sandbox.conftest import Cloud

GROUP = "deployed"


@pytest.fixture(scope="module")
def group(cloud: Cloud) -> str:
    url = f"https://management.azure.com/subscriptions/{cloud.settings.subscription_id}"
    headers = {"Authorization": f"Bearer {cloud.token()}"}
    where = {"location": "westeurope"}
    path = f"{url}/resourcegroups/{GROUP}?api-version=2025-04-01"
    assert cloud.raw("PUT", path, json=where, headers=headers).status_code == 201
    return GROUP


@pytest.fixture(scope="module")
def client(cloud: Cloud) -> Iterator[DeploymentsMgmtClient]:
    subscription = cloud.settings.subscription_id
    with DeploymentsMgmtClient(cloud.credential, subscription, **cloud.transport) as client:
        yield client


def body(wanted: Any, **parameters: Any) -> Any:
    given = {name: {"value": value} for name, value in parameters.items()}
    return {"properties": {"mode": "Incremental", "template": wanted, "parameters": given}}


def finished(client: DeploymentsMgmtClient, group: str, name: str, sent: Any) -> Any:
    """The properties of a deployment that was begun and waited for."""
    return client.deployments.begin_create_or_update(group, name, sent).result().properties


def test_begin_create_or_update_succeeds(client: DeploymentsMgmtClient, group: str) -> None:
    outputs = {"where": {"type": "string", "value": "[resourceGroup().location]"}}
    wanted = template(nested("inner", template(identity("id-sdk"))), outputs=outputs)
    done = finished(client, group, "main", body(wanted))
    assert done.provisioning_state == "Succeeded"
    assert done.outputs == {"where": {"type": "String", "value": "westeurope"}}


def test_the_shipped_template_deploys_whole(client: DeploymentsMgmtClient, group: str) -> None:
    main = json.loads((places.shipped("bicep") / "main.json").read_text(encoding="utf-8"))
    sent = body(main, tags={"akswi": group})
    done = finished(client, group, "lab", sent)
    assert done.provisioning_state == "Succeeded"
    assert len(done.output_resources) == 25
    assert done.outputs["kvApp1Name"]["value"].startswith("kv-app1akswi")


def test_begin_create_or_update_raises_when_a_resource_fails(
    client: DeploymentsMgmtClient, group: str
) -> None:
    poller = client.deployments.begin_create_or_update(group, "bad", body(template(BAD_ROLE)))
    with pytest.raises(HttpResponseError) as failed:
        poller.result()
    assert failed.value.error is not None
    assert failed.value.error.code == "DeploymentFailed"


def test_begin_validate_refuses_a_missing_parameter(
    client: DeploymentsMgmtClient, group: str
) -> None:
    wanted = template(parameters={"kvName": {"type": "string"}})
    with pytest.raises(HttpResponseError) as refused:
        client.deployments.begin_validate(group, "main", body(wanted)).result()
    assert "The value for the template parameter 'kvName'" in refused.value.message


def test_begin_what_if_names_the_change(client: DeploymentsMgmtClient, group: str) -> None:
    wanted = body(template(identity("id-new")))
    seen = client.deployments.begin_what_if(group, "plan", wanted).result()
    changes = {one.resource_id.rsplit("/", 1)[1]: one.change_type for one in seen.changes or []}
    assert changes["id-new"] == "Create"


def test_list_and_operations_tell_the_history(client: DeploymentsMgmtClient, group: str) -> None:
    finished(client, group, "told", body(template(identity("id-told"))))
    names = {one.name for one in client.deployments.list_by_resource_group(group)}
    first, *_ = client.deployment_operations.list(group, "told")
    assert "told" in names
    told: Any = first.properties
    assert told.target_resource.resource_name == "id-told"


def test_body_as_az_sends_it_is_taken_over_the_wire(cloud: Cloud, group: str) -> None:
    text = (places.shipped("bicep") / "kvRbac.json").read_text(encoding="utf-8")
    given = json.dumps({"properties": {"mode": "incremental", "parameters": {}}})
    url = f"https://management.azure.com/subscriptions/{cloud.settings.subscription_id}"
    url += f"/resourcegroups/{group}/providers/Microsoft.Resources/deployments/az/validate"
    headers = {"Authorization": f"Bearer {cloud.token()}", "Content-Type": "application/json"}
    sent = f"{given[:-2]}, template:{text}}}}}".encode()
    answer = cloud.raw("POST", f"{url}?api-version=2025-04-01", data=sent, headers=headers)
    assert answer.status_code == 400
    assert "The value for the template parameter 'kvName'" in answer.json()["error"]["message"]
