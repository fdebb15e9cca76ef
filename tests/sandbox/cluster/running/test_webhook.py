"""The workload identity webhook against what v1.5.1 was seen to do on a Kubernetes 1.37."""

from __future__ import annotations

from typing import Any

import pytest

from akswi_helpers.sandbox.cluster.refusals import StatusError
from akswi_helpers.sandbox.cluster.webhook import mutated
from akswi_helpers.types import Json

PREFIX = "azure.workload.identity/"
CLIENT = "11111111-1111-4111-8111-111111111111"
DENIED = 'admission webhook "mutation.azure-workload-identity.io" denied the request: '


def account(**annotations: str) -> Json:
    given = {PREFIX + name.replace("_", "-"): value for name, value in annotations.items()}
    return {"metadata": {"name": "sa", "annotations": given}}


def pod(annotations: dict[str, str] | None = None, **spec: Any) -> Json:
    given = {PREFIX + name: value for name, value in (annotations or {}).items()}
    metadata = {"generateName": "web-6d4b-", "annotations": given}
    return {"metadata": metadata, "spec": {"containers": [{"name": "main"}], **spec}}


def env(made: Json, number: int = 0) -> dict[str, str]:
    return {e["name"]: e.get("value", "") for e in made["spec"]["containers"][number]["env"]}


def test_mutated_injects_volume_mount_and_four_variables_in_order() -> None:
    made = mutated(pod(), account(client_id=CLIENT), "t")
    assert list(env(made).items()) == [
        ("AZURE_CLIENT_ID", CLIENT),
        ("AZURE_TENANT_ID", "t"),
        ("AZURE_FEDERATED_TOKEN_FILE", "/var/run/secrets/azure/tokens/azure-identity-token"),
        ("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/"),
    ]
    token = {"audience": "api://AzureADTokenExchange", "expirationSeconds": 3600}
    source = {"serviceAccountToken": {**token, "path": "azure-identity-token"}}
    volume = {"name": "azure-identity-token", "projected": {"sources": [source]}}
    assert made["spec"]["volumes"] == [volume]


def test_mutated_mounts_the_token_in_init_containers_too() -> None:
    made = mutated(pod(initContainers=[{"name": "first"}]), account(client_id=CLIENT), "t")
    mount = {"mountPath": "/var/run/secrets/azure/tokens", "readOnly": True}
    for container in (*made["spec"]["initContainers"], *made["spec"]["containers"]):
        assert container["volumeMounts"] == [{"name": "azure-identity-token", **mount}]


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({}, {"AZURE_TENANT_ID": "t"}),
        ({"client_id": CLIENT, "tenant_id": "other"}, {"AZURE_TENANT_ID": "other"}),
        ({"client_id": CLIENT, "tenant_id": ""}, {"AZURE_CLIENT_ID": CLIENT}),
    ],
)
def test_mutated_leaves_out_what_has_no_value(
    annotations: dict[str, str], expected: dict[str, str]
) -> None:
    found = env(mutated(pod(), account(**annotations), "t"))
    rest = ("AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST")
    found = {k: v for k, v in found.items() if k not in rest}
    assert expected.items() <= found.items()
    assert len(found) == len(expected) + (annotations.get("tenant_id") == "other")


def test_mutated_keeps_variables_of_that_name_even_when_empty() -> None:
    own = [{"name": "AZURE_CLIENT_ID", "value": ""}]
    made = mutated(pod(containers=[{"name": "main", "env": own}]), account(client_id=CLIENT), "t")
    assert env(made)["AZURE_CLIENT_ID"] == ""
    assert "AZURE_TENANT_ID" in env(made)


def test_mutated_skips_the_containers_that_are_named() -> None:
    two = [{"name": "a"}, {"name": "b"}, {"name": "c"}]
    made = mutated(pod({"skip-containers": "a;c"}, containers=two), account(client_id=CLIENT), "t")
    assert ["env" in container for container in made["spec"]["containers"]] == [False, True, False]


@pytest.mark.parametrize(
    ("on_pod", "on_account", "seconds"),
    [("7200", "", 7200), ("", "86400", 86400), ("7200", "5000", 7200), ("", "", 3600)],
)
def test_mutated_takes_the_expiration_of_the_pod_first(
    on_pod: str, on_account: str, seconds: int
) -> None:
    name = "service-account-token-expiration"
    holder = account(**{name: on_account})
    made = mutated(pod({name: on_pod}), holder, "t")
    [source] = made["spec"]["volumes"][0]["projected"]["sources"]
    assert source["serviceAccountToken"]["expirationSeconds"] == seconds


@pytest.mark.parametrize(
    ("annotations", "spec", "status", "message"),
    [
        (
            {"service-account-token-expiration": "3599"},
            {},
            400,
            DENIED + "token expiration 3599 not valid. Expected value to be between 3600 and 86400",
        ),
        (
            {"service-account-token-expiration": "x"},
            {},
            400,
            DENIED + 'strconv.ParseInt: parsing "x": invalid syntax',
        ),
        (
            {"inject-proxy-sidecar": "false"},
            {"hostNetwork": True},
            400,
            DENIED + "hostNetwork is set to true, cannot inject proxy sidecar",
        ),
        (
            {"inject-proxy-sidecar": "true"},
            {},
            501,
            "The sandbox does not emulate the annotation azure.workload.identity/"
            "inject-proxy-sidecar.",
        ),
    ],
)
def test_mutated_refuses(
    annotations: dict[str, str], spec: Json, status: int, message: str
) -> None:
    with pytest.raises(StatusError) as refused:
        mutated(pod(annotations, **spec), account(client_id=CLIENT), "t")
    assert (refused.value.status, refused.value.message) == (status, message)


def test_mutated_adds_no_second_token_of_the_same_path() -> None:
    token = {"serviceAccountToken": {"path": "azure-identity-token", "audience": "x"}}
    own = {"name": "mine", "projected": {"sources": [token]}}
    made = mutated(pod(volumes=[own]), account(client_id=CLIENT), "t")
    assert made["spec"]["volumes"] == [own]
    mounts = made["spec"]["containers"][0]["volumeMounts"]
    assert [m["name"] for m in mounts] == ["azure-identity-token"]  # which validation refuses


def test_mutated_has_another_layout_in_the_next_version() -> None:
    made = mutated(pod(), account(client_id=CLIENT), "t", "1.6.0")
    where = "/var/run/secrets/azure/wi/token/azure-identity-token"
    assert env(made)["AZURE_FEDERATED_TOKEN_FILE"] == where
    again = mutated(pod(), account(), "t", "1.6.0")
    assert made["spec"]["volumes"][0]["name"] == again["spec"]["volumes"][0]["name"]
