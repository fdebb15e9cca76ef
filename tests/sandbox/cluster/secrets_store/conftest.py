"""A lab deployed from the shipped template in a real sandbox process, kubectl, and the SDKs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import yaml

from akswi_helpers import places
from akswi_helpers.cluster import write_kubeconfig
from akswi_helpers.sandbox import control
from tests.sandbox.azure.conftest import Clients
from tests.sandbox.conftest import Cloud

GROUP = "akswi"
AKS = "6dae42f8-4368-4678-94ff-3960e28e3630"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
OBJECTS = "array:\n  - |\n    objectName: arbitrarySecret\n    objectType: secret\n"


class Lab:
    """What a learner has after stage 01, and the commands that they would type."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self.cloud, self.azure, self._folder = cloud, Clients(cloud), folder
        self.outputs = self._deploy()
        self.tenant = str(cloud.settings.tenant_id)
        self.kubeconfig = folder / "kubeconfig"
        found = self.azure.clusters.managed_clusters.list_cluster_user_credentials(
            GROUP, self.outputs["aksClusterName"]
        )
        (folder / "token").write_text(cloud.token(AKS))
        answer: Any = found.kubeconfigs
        write_kubeconfig(self.kubeconfig, folder / "token", bytes(answer[0].value))

    def _deploy(self) -> dict[str, str]:
        from azure.mgmt.resource.deployments import DeploymentsMgmtClient

        base = f"https://management.azure.com/subscriptions/{self.azure.subscription}"
        headers = {"Authorization": f"Bearer {self.cloud.token()}"}
        path = f"{base}/resourcegroups/{GROUP}?api-version=2025-04-01"
        self.cloud.raw("PUT", path, json={"location": "westeurope"}, headers=headers)
        text = (places.shipped("bicep") / "main.json").read_text(encoding="utf-8")
        sent: Any = {"properties": {"mode": "Incremental", "template": json.loads(text)}}
        with DeploymentsMgmtClient(
            self.cloud.credential, self.azure.subscription, **self.cloud.transport
        ) as client:
            done: Any = client.deployments.begin_create_or_update(GROUP, "main", sent).result()
        return {name: one["value"] for name, one in done.properties.outputs.items()}

    def kubectl(self, *words: str, text: str = "", check: bool = True) -> str:
        """What the real kubectl prints."""
        tool = shutil.which("kubectl", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        done = subprocess.run(
            [str(tool), "--kubeconfig", str(self.kubeconfig), *words],
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={"HOME": str(self._folder), "PATH": os.environ["PATH"]},
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def get(self, *words: str) -> Any:
        """An object, or a list of them."""
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    def apply(self, *documents: Any) -> None:
        """`kubectl apply -f -`."""
        self.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(documents))

    def mount(self, namespace: str, vault: str, account: str = "default", **more: Any) -> None:
        """A SecretProviderClass and a pod that mounts it, in a namespace."""
        self.kubectl("create", "namespace", namespace, check=False)
        sync = more.pop("secretObjects", None)
        parameters = {"keyvaultName": vault, "tenantId": self.tenant, "objects": OBJECTS, **more}
        spec = {"provider": "azure", "parameters": parameters}
        spec |= {"secretObjects": sync} if sync else {}
        kind = {"apiVersion": "secrets-store.csi.x-k8s.io/v1", "kind": "SecretProviderClass"}
        named = {"name": "spc", "namespace": namespace}
        until(lambda: "default" in self.kubectl("get", "sa", "-n", namespace), "an account")
        if account != "default":
            self.kubectl("create", "sa", account, "-n", namespace, check=False)
        self.apply({**kind, "metadata": named, "spec": spec}, pod(namespace, account))

    def state(self, namespace: str) -> str:
        """The STATUS column of the pod."""
        return self.kubectl("get", "pod", "p", "-n", namespace, "--no-headers").split()[2]

    def runs(self, namespace: str, within: float = 30) -> None:
        """Wait until the pod runs."""
        until(lambda: self.state(namespace) == "Running", "the pod to run", within)

    def failed_mount(self, namespace: str) -> str:
        """Wait for the first FailedMount event; its message."""
        return str(until(lambda: self.events(namespace, "FailedMount"), "FailedMount")[0])

    def events(self, namespace: str, reason: str) -> list[str]:
        """The messages of the events of a reason."""
        items = self.get("events", "-n", namespace)["items"]
        return [one["message"] for one in items if one["reason"] == reason]

    def folder(self, namespace: str) -> Path:
        """The pod's volume on this machine."""
        uid = self.get("pod", "p", "-n", namespace)["metadata"]["uid"]
        [found] = self.cloud.running.home.glob(f"sandbox/pods/*/{uid}/volumes/*csi/secrets-mount")
        return found

    def secret(self, vault: str) -> str:
        """The secret's value as the vault has it. The deployer may read every vault."""
        return str(self.azure.secrets(vault).get_secret("arbitrarySecret").value)

    def move_clock(self, seconds: float) -> None:
        """Set the sandbox's clock ahead."""
        control.ask(self.cloud.running.home, "clock", move=seconds)

    def requests_of_nodes(self) -> list[tuple[str, str, str, int]]:
        """Every request that a node sent: method, host, path, status; the oldest first."""
        rows = control.ask(self.cloud.running.home, "log", limit=1000)["rows"]
        mine = [row for row in rows if row["user_agent"].startswith("secrets-store-csi")]
        return [(row["method"], row["host"], row["path"], row["status"]) for row in mine]

    @cached_property
    def scale_set(self) -> Any:
        """The user pool's scale set."""
        every = self.azure.compute.virtual_machine_scale_sets.list(
            self.outputs["nodeResourceGroup"]
        )
        pool = self.outputs["aksUserNodePoolName"]
        return next(one for one in every if (one.tags or {})["aks-managed-poolName"] == pool)

    def assign(self, *identities: str) -> None:
        """Put identities on the user pool's nodes, beside those that are there."""
        have = self.scale_set.identity.user_assigned_identities
        named: Any = {one: {} for one in (*have, *identities)}
        body: Any = {"identity": {"type": "UserAssigned", "userAssignedIdentities": named}}
        group, name = self.outputs["nodeResourceGroup"], self.scale_set.name
        self.azure.compute.virtual_machine_scale_sets.begin_update(group, name, body).result()


def pod(namespace: str, account: str = "default") -> Any:
    """A pod on the user pool with one volume of the driver."""
    csi = {
        "driver": "secrets-store.csi.k8s.io",
        "readOnly": True,
        "volumeAttributes": {"secretProviderClass": "spc"},
    }
    mount = {"name": "secrets-mount", "mountPath": "/mnt/secrets-store", "readOnly": True}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": namespace},
        "spec": {
            "serviceAccountName": account,
            "nodeSelector": {"kubernetes.azure.com/agentpool": "npuser01"},
            "terminationGracePeriodSeconds": 1,
            "containers": [
                {"name": "c", "image": "registry.k8s.io/pause:3.10", "volumeMounts": [mount]}
            ],
            "volumes": [{"name": "secrets-mount", "csi": csi}],
        },
    }


def until(look: Callable[[], Any], what: str, within: float = 30) -> Any:
    """Poll until `look` gives something true; that. Raises AssertionError naming `what`."""
    end = time.monotonic() + within
    while not (seen := look()):
        assert time.monotonic() < end, f"waited {within:.0f} s for {what}"
        time.sleep(0.2)
    return seen


@pytest.fixture(scope="module")
def lab(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield (made := Lab(cloud, Path(tmp_path_factory.mktemp("lab"))))
    made.azure.close()
