"""What the driver itself refuses, before any provider is asked, and how the kubelet waits."""

from __future__ import annotations

from typing import Any

import pytest

from akswi_helpers.sandbox.cluster.node import volumes
from tests.sandbox.cluster.secrets_store.conftest import OBJECTS, Lab, pod, until

SET_UP = 'MountVolume.SetUp failed for volume "secrets-mount" : rpc error: code = '
WRAP = "failed to mount secrets store objects for pod {}/p, err: "
GOOD = {"provider": "azure", "parameters": {"objects": OBJECTS}}


def refused(
    name: str, text: str, spec: Any = GOOD, **csi: Any
) -> tuple[str, dict[str, Any], dict[str, Any], str]:
    return name, spec, csi, SET_UP + text


CASES = [
    refused("noname", "Unknown desc = secretProviderClass is not set", volumeAttributes=None),
    refused("noprov", "Unknown desc = provider not set in noprov/spc", {"parameters": {"a": "b"}}),
    refused("nopars", "Unknown desc = parameters not set in nopars/spc", {"provider": "azure"}),
    refused(
        "vault",
        f"Unknown desc = {WRAP.format('vault')}error connecting to provider "
        '"vault": provider not found: provider "vault"',
        {**GOOD, "provider": "vault"},
    ),
    refused(
        "writable", "InvalidArgument desc = Readonly is not true in request", GOOD, readOnly=False
    ),
    refused(
        "empty",
        f"Unknown desc = {WRAP.format('empty')}missing object versions",
        {
            "provider": "azure",
            "parameters": {
                "keyvaultName": "kv-x",
                "tenantId": "t",
                "clientID": "c",
                "objects": "array: []",
            },
        },
    ),
    refused(
        "novaultname",
        f"Unknown desc = {WRAP.format('novaultname')}rpc error: code = Unknown desc = failed to "
        "mount objects, error: keyvaultName is not set",
    ),
]


@pytest.mark.parametrize(("name", "spec", "csi", "text"), CASES)
def test_a_mount_is_refused_by_the_driver(
    lab: Lab, name: str, spec: Any, csi: dict[str, Any], text: str
) -> None:
    lab.kubectl("create", "namespace", name)
    until(lambda: "default" in lab.kubectl("get", "sa", "-n", name), "an account")
    kind = {"apiVersion": "secrets-store.csi.x-k8s.io/v1", "kind": "SecretProviderClass"}
    document = pod(name)
    document["spec"]["volumes"][0]["csi"] |= csi
    lab.apply({**kind, "metadata": {"name": "spc", "namespace": name}, "spec": spec}, document)
    assert lab.failed_mount(name) == text


def test_attempts_wait_longer_each_time(lab: Lab) -> None:
    lab.kubectl("create", "namespace", "patient")
    until(lambda: "default" in lab.kubectl("get", "sa", "-n", "patient"), "an account")
    lab.apply(pod("patient"))

    def count() -> int:
        items = lab.get("events", "-n", "patient")["items"]
        return sum(int(one["count"]) for one in items if one["reason"] == "FailedMount")

    until(lambda: count() >= 3, "three attempts")  # after 0, 0.5 and 1.5 seconds
    assert count() <= 4
    before = count()
    lab.move_clock(1)
    until(lambda: count() > before, "the moved clock to hurry the kubelet", within=2.5)


def test_the_kubelet_says_that_it_waited_in_vain() -> None:
    assert volumes.waited_in_vain(pod("app2"), "secrets-mount") == (
        "Unable to attach or mount volumes: unmounted volumes=[secrets-mount], unattached "
        "volumes=[secrets-mount]: timed out waiting for the condition"
    )
