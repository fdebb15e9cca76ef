"""The charts of apps 2 to 5 with the real helm: whose identity, which vault, what is mounted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from akswi_helpers.places import shipped

CLIENT, TENANT = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
WORKLOAD, NODE = "workloadIdApp2", "csiApp"
FIELD = {WORKLOAD: "azureWorkloadIdentity", NODE: "azureKVIdentity"}


def helm(*words: str) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).parent / "helm"
    return subprocess.run(
        [str(tool) if tool.exists() else "helm", *words], capture_output=True, text=True, timeout=60
    )


def template(chart: str, app: str, *values: str) -> subprocess.CompletedProcess[str]:
    sets = [word for value in values for word in ("--set", value)]
    return helm("template", app, str(shipped("charts") / chart), "-n", app, *sets)


def good(chart: str) -> tuple[str, ...]:
    field = FIELD[chart]
    return (f"{field}.clientId={CLIENT}", f"{field}.tenantId={TENANT}", "keyvaultName=kv-app")


def objects(chart: str, app: str, *values: str) -> dict[str, Any]:
    done = template(chart, app, *good(chart), *values)
    return {obj["kind"]: obj for obj in yaml.safe_load_all(done.stdout)}


def pod(made: dict[str, Any]) -> Any:
    return made["Deployment"]["spec"]["template"]["spec"]


@pytest.mark.parametrize("chart", [WORKLOAD, NODE])
def test_lint_is_clean_when_strict(chart: str) -> None:
    done = helm("lint", "--strict", str(shipped("charts") / chart))
    assert done.returncode == 0, done.stdout
    assert "[WARNING]" not in done.stdout


@pytest.mark.parametrize(
    ("app", "values", "account"),
    [
        ("app2", (), "app2-workloadidapp2"),
        ("app5", ("nameOverride=workloadidapp5",), "app5-workloadidapp5"),
    ],
)
def test_template_names_the_account_that_the_credential_names(
    app: str, values: tuple[str, ...], account: str
) -> None:
    made = objects(WORKLOAD, app, *values)
    assert made["ServiceAccount"]["metadata"]["name"] == account
    assert pod(made)["serviceAccountName"] == account


@pytest.mark.parametrize(
    ("chart", "identity"),
    [
        (WORKLOAD, {"clientID": CLIENT}),
        (NODE, {"useVMManagedIdentity": "true", "userAssignedIdentityID": CLIENT}),
    ],
)
def test_template_gives_the_provider_identity_tenant_vault_and_object(
    chart: str, identity: dict[str, str]
) -> None:
    spec = objects(chart, "app2")["SecretProviderClass"]["spec"]
    listed = yaml.safe_load(spec["parameters"].pop("objects"))["array"]
    assert spec["parameters"] == {**identity, "tenantID": TENANT, "keyvaultName": "kv-app"}
    assert [yaml.safe_load(one) for one in listed] == [
        {"objectName": "arbitrarySecret", "objectType": "secret"}
    ]


@pytest.mark.parametrize("chart", [WORKLOAD, NODE])
def test_template_mounts_the_class_read_only_at_an_absolute_path(chart: str) -> None:
    made = objects(chart, "app4")
    [volume], [container] = pod(made)["volumes"], pod(made)["containers"]
    name = made["SecretProviderClass"]["metadata"]["name"]
    assert volume["csi"] == {
        "driver": "secrets-store.csi.k8s.io",
        "readOnly": True,
        "volumeAttributes": {"secretProviderClass": name},
    }
    [mount] = container["volumeMounts"]
    assert (mount["mountPath"], mount["readOnly"]) == ("/mnt/secrets-store", True)


@pytest.mark.parametrize("chart", [WORKLOAD, NODE])
def test_template_copies_into_a_kubernetes_secret_only_when_asked(chart: str) -> None:
    assert "secretObjects" not in objects(chart, "app2")["SecretProviderClass"]["spec"]
    spec = objects(chart, "app2", "kubernetesSecretName=copy")["SecretProviderClass"]["spec"]
    data = [{"objectName": "arbitrarySecret", "key": "arbitrarySecret"}]
    assert spec["secretObjects"] == [{"secretName": "copy", "type": "Opaque", "data": data}]


@pytest.mark.parametrize("chart", [WORKLOAD, NODE])
def test_template_has_a_pinned_image_and_nothing_that_listens(chart: str) -> None:
    made = objects(chart, "app2")
    image = pod(made)["containers"][0]["image"]
    assert image.startswith("mcr.microsoft.com/azurelinux/busybox:1.36@sha256:")
    assert "Service" not in made


def test_template_puts_app3_on_the_nodes_that_are_named() -> None:
    made = objects(NODE, "app3", "nodeSelector.agentpool=npuser01")
    assert pod(made)["nodeSelector"] == {"agentpool": "npuser01"}
    assert "nodeSelector" not in pod(objects(NODE, "app4"))


@pytest.mark.parametrize("chart", [WORKLOAD, NODE])
@pytest.mark.parametrize(
    ("left_out", "more", "said"),
    [
        (0, "replicaCount=1", "clientId is not set"),
        (1, "replicaCount=1", "tenantId is not set"),
        (2, "replicaCount=1", "keyvaultName is not set"),
        (9, "keyvaultName=https://kv.vault.azure.net", "keyvaultName"),
        (9, "image.tag=latest", "image.tag"),
        (9, "kubernetesSecretName=Not_A_Name", "kubernetesSecretName"),
        (9, "mountPath=mnt", "mountPath"),
    ],
)
def test_template_refuses_bad_values(chart: str, left_out: int, more: str, said: str) -> None:
    values = [value for number, value in enumerate(good(chart)) if number != left_out]
    done = template(chart, "app2", *values, more)
    assert done.returncode != 0
    assert said in done.stderr


@pytest.mark.parametrize("chart", [WORKLOAD, NODE])
def test_schema_says_what_it_allows(chart: str) -> None:
    folder = shipped("charts") / chart
    schema = json.loads((folder / "values.schema.json").read_text())
    values = yaml.safe_load((folder / "values.yaml").read_text())
    assert set(values) == set(schema["properties"]) - {"global"}
    assert schema["additionalProperties"] is False
