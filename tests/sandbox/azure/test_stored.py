"""Passive resources: kept and given back as they were sent; everything else stays refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from akswi_helpers.sandbox.azure.arm.stored import NAMES, SETTINGS
from akswi_helpers.sandbox.wire import Reply, WireError
from akswi_helpers.types import Json
from tests.sandbox.azure.conftest import NOT_VERIFIED, Clients
from tests.sandbox.azure.test_deployments import ENVELOPE, Lab

VERSIONS = {
    "Microsoft.ContainerRegistry/registries": "2023-07-01",
    "Microsoft.OperationalInsights/workspaces": "2023-09-01",
    "Microsoft.Insights/components": "2020-02-02",
    "Microsoft.Insights/metricAlerts": "2018-03-01",
    "Microsoft.Insights/scheduledQueryRules": "2022-06-15",
    SETTINGS: "2021-05-01-preview",
}
REGISTRY = "Microsoft.ContainerRegistry/registries"
WORKSPACE = "Microsoft.OperationalInsights/workspaces"
BODY: Json = {
    "location": "westeurope",
    "tags": {"lab": "akswi"},
    "sku": {"name": "Basic"},
    "properties": {"retentionInDays": 30},
}
LOGS: Json = {"properties": {"logs": [{"category": "AuditEvent", "enabled": True}]}}

every_type = pytest.mark.parametrize("kind", NAMES)


@pytest.fixture
def lab() -> Iterator[Lab]:
    made = Lab()
    yield made
    made.close()


def put(lab: Lab, kind: str, name: str = "thing1", body: Json = BODY, at: str = "") -> Reply:
    return lab.call("PUT", f"{at}{kind}/{name}", body, VERSIONS[kind])


@every_type
def test_put_keeps_what_was_sent(lab: Lab, kind: str) -> None:
    assert (put(lab, kind).status, put(lab, kind).status) == (201, 200)
    found = lab.get(f"{kind}/thing1", VERSIONS[kind])
    assert found["id"].endswith(f"/resourceGroups/akswi/providers/{kind}/thing1")
    assert (found["type"], found["tags"], found["sku"]) == (kind, BODY["tags"], BODY["sku"])
    assert found["properties"] == {"retentionInDays": 30, "provisioningState": "Succeeded"}


@every_type
def test_delete_forgets_it_and_then_finds_nothing(lab: Lab, kind: str) -> None:
    put(lab, kind)
    gone = [lab.call("DELETE", f"{kind}/thing1", api=VERSIONS[kind]).status for _ in range(2)]
    assert gone == [200, 204]
    with pytest.raises(WireError) as refused:
        lab.get(f"{kind}/thing1", VERSIONS[kind])
    assert refused.value.code == "ResourceNotFound"


@every_type
def test_list_names_it_in_group_and_subscription(lab: Lab, kind: str) -> None:
    put(lab, kind)
    wide = f"/subscriptions/{lab.world.subscription_id}/providers/{kind}"
    names = [
        [one["name"] for one in lab.get(path, VERSIONS[kind])["value"]] for path in (kind, wide)
    ]
    assert names == [["thing1"], ["thing1"]]
    assert [one["name"] for one in lab.get(f"{lab.group}/resources")["value"]] == ["thing1"]


@every_type
def test_put_refuses_a_version_that_the_type_does_not_have(lab: Lab, kind: str) -> None:
    with pytest.raises(WireError) as refused:
        lab.call("PUT", f"{kind}/thing1", BODY, "2011-01-01")
    assert refused.value.code == "NoRegisteredProviderFound"


def test_setting_hangs_on_what_is_there(lab: Lab) -> None:
    put(lab, WORKSPACE)
    at = f"{WORKSPACE}/thing1/providers/"
    assert put(lab, SETTINGS, "audit", LOGS, at).status == 200
    (found,) = lab.get(f"{at}{SETTINGS}", VERSIONS[SETTINGS])["value"]
    assert (found["name"], found["properties"]) == ("audit", LOGS["properties"])
    assert [one["name"] for one in lab.get(f"{lab.group}/resources")["value"]] == ["thing1"]


def test_setting_is_refused_on_what_is_not_there(lab: Lab) -> None:
    with pytest.raises(WireError) as refused:
        put(lab, SETTINGS, "audit", LOGS, f"{WORKSPACE}/nobodys/providers/")
    assert refused.value.code == "ResourceNotFound"


def test_setting_goes_with_what_it_hangs_on(lab: Lab) -> None:
    put(lab, WORKSPACE)
    at = f"{WORKSPACE}/thing1/providers/"
    put(lab, SETTINGS, "audit", LOGS, at)
    lab.call("DELETE", f"{WORKSPACE}/thing1", api=VERSIONS[WORKSPACE])
    put(lab, WORKSPACE)
    assert lab.get(f"{at}{SETTINGS}", VERSIONS[SETTINGS])["value"] == []


def test_metric_alert_lives_everywhere_and_a_registry_does_not(lab: Lab) -> None:
    everywhere = {**BODY, "location": "global"}
    alert = put(lab, "Microsoft.Insights/metricAlerts", body=everywhere)
    assert (alert.status, alert.body["location"]) == (201, "global")
    with pytest.raises(WireError) as refused:
        put(lab, REGISTRY, body=everywhere)
    assert refused.value.code == "LocationNotAvailableForResourceType"


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("a-b-c-d", BODY, "InvalidResourceName"),
        ("thing1", {**BODY, "location": ""}, "LocationRequired"),
        ("thing1", {**BODY, "properties": "x"}, "InvalidRequestContent"),
        ("thing1", {**BODY, "tags": {"x": 1}}, "InvalidRequestContent"),
        ("thing1", {**BODY, "identity": {"type": "SystemAssigned"}}, "NotEmulated"),
        ("thing1", {**BODY, "plan": {"name": "x"}}, "NotEmulated"),
    ],
)
def test_put_refuses_what_cannot_be_kept(lab: Lab, name: str, body: Json, code: str) -> None:
    with pytest.raises(WireError) as refused:
        put(lab, REGISTRY, name, body)
    assert refused.value.code == code
    assert code != "InvalidResourceName" or refused.value.message.startswith(NOT_VERIFIED)


@pytest.mark.parametrize("method", ["PATCH", "POST"])
def test_other_operations_stay_refused(lab: Lab, method: str) -> None:
    put(lab, REGISTRY)
    path = f"{REGISTRY}/thing1" + ("/listCredentials" if method == "POST" else "")
    with pytest.raises(WireError) as refused:
        lab.call(method, path, {}, VERSIONS[REGISTRY])
    assert (refused.value.status, refused.value.code) == (501, "NotEmulated")


def test_template_may_carry_them(lab: Lab) -> None:
    def resource(kind: str, name: str, **rest: Any) -> Json:
        return {"type": kind, "apiVersion": VERSIONS[kind], "name": name, **rest}

    workspace = f"[resourceId('{WORKSPACE}', 'logs1')]"
    done = lab.deploy(
        {
            **ENVELOPE,
            "resources": [
                resource(REGISTRY, "registry1", **BODY),
                resource(WORKSPACE, "logs1", **BODY),
                resource(SETTINGS, "audit", scope=workspace, dependsOn=[workspace], **LOGS),
            ],
            "outputs": {"logs": {"type": "string", "value": workspace}},
        }
    )["properties"]
    assert done["provisioningState"] == "Succeeded", done.get("error")
    kinds = {one["id"].rsplit("/", 2)[1] for one in done["outputResources"]}
    assert kinds == {"registries", "workspaces", "diagnosticSettings"}


def test_sdk_lists_them_and_a_deleted_group_takes_them_along(azure: Clients) -> None:
    group = azure.group("passive")
    made = azure.resources.resources.begin_create_or_update_by_id(
        f"{group}/providers/{REGISTRY}/registry1", BODY, api_version=VERSIONS[REGISTRY]
    ).result()
    listed = azure.resources.resources.list_by_resource_group("passive")
    assert [one.id for one in listed] == [made.id]
    azure.resources.resource_groups.begin_delete("passive").result()
    assert list(azure.resources.resources.list(filter=f"resourceType eq '{REGISTRY}'")) == []
