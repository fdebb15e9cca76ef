"""The shipped charts of apps 2 to 5 in a lab: installed by helm, read by `kubectl exec`."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from akswi_helpers.places import shipped
from tests.sandbox.cluster.secrets_store.conftest import GROUP, Lab, until

FILE = "/mnt/secrets-store/arbitrarySecret"
POOL = r"nodeSelector.kubernetes\.azure\.com/agentpool=npuser01"


def helm(lab: Lab, *words: str) -> None:
    """The real helm, with the lab's kubeconfig."""
    tool = shutil.which("helm", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    home = lab.kubeconfig.parent
    done = subprocess.run(
        [str(tool), "--kubeconfig", str(lab.kubeconfig), *words],
        env={"HOME": str(home), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def install(lab: Lab, app: str, chart: str, field: str, client: str, *more: str) -> None:
    values = [
        f"{field}.clientId={client}",
        f"{field}.tenantId={lab.tenant}",
        f"keyvaultName={lab.outputs[f'kv{app.capitalize()}Name']}",
        *more,
    ]
    sets = [word for value in values for word in ("--set", value)]
    path = str(shipped("charts") / chart)
    helm(lab, "upgrade", "--install", app, path, "-n", app, "--create-namespace", *sets)


def exec_in(lab: Lab, app: str, *command: str) -> str:
    return lab.kubectl("exec", "-n", app, f"deploy/{name(app)}", "--", *command)


def name(app: str) -> str:
    return f"{app}-workloadidapp5" if app == "app5" else f"{app}-csiapp"


def runs(lab: Lab, app: str) -> None:
    lab.kubectl("rollout", "status", f"deploy/{name(app)}", "-n", app, "--timeout=30s")


def addon_client(lab: Lab) -> str:
    """The client id of the add-on's own identity."""
    found = lab.azure.clusters.managed_clusters.get(GROUP, lab.outputs["aksClusterName"])
    profiles = found.addon_profiles
    assert profiles is not None
    return str(profiles["azureKeyvaultSecretsProvider"].identity.client_id)


@pytest.fixture(scope="module")
def app5(lab: Lab) -> Lab:
    """App 5, installed and running."""
    client = lab.outputs["idApp5ClientId"]
    override = "nameOverride=workloadidapp5"
    install(lab, "app5", "workloadIdApp2", "azureWorkloadIdentity", client, override)
    runs(lab, "app5")
    return lab


def test_app5_finds_the_bytes_that_its_vault_has(app5: Lab) -> None:
    value = app5.secret(app5.outputs["kvApp5Name"])
    assert exec_in(app5, "app5", "cat", FILE) == value
    digest = hashlib.sha256(value.encode()).hexdigest()
    assert exec_in(app5, "app5", "sha256sum", FILE) == f"{digest}  {FILE}\n"


def test_app5_sees_a_link_as_on_a_node(app5: Lab) -> None:
    row = exec_in(app5, "app5", "ls", "-l", "/mnt/secrets-store").splitlines()[1]
    assert row.startswith("lrwxrwxrwx    1 root     root            22 ")
    assert row.endswith("arbitrarySecret -> ..data/arbitrarySecret")
    assert exec_in(app5, "app5", "ls", "-lL", FILE).startswith("-rw-r--r--    1 root     root ")


def test_app3_mounts_once_the_nodes_have_its_identity(lab: Lab) -> None:
    install(lab, "app3", "csiApp", "azureKVIdentity", lab.outputs["idApp3ClientId"], POOL)
    failed = until(lambda: lab.events("app3", "FailedMount"), "FailedMount")[0]
    assert "ManagedIdentityCredential authentication failed" in failed
    lab.assign(lab.outputs["idApp3Id"])
    runs(lab, "app3")
    assert exec_in(lab, "app3", "cat", FILE) == lab.secret(lab.outputs["kvApp3Name"])


def test_app4_is_refused_by_the_vault_until_it_has_the_role(lab: Lab) -> None:
    install(lab, "app4", "csiApp", "azureKVIdentity", addon_client(lab))
    failed = until(lambda: lab.events("app4", "FailedMount"), "FailedMount")[0]
    assert "RESPONSE 403: 403 Forbidden" in failed
    assert "ForbiddenByRbac" in failed


def test_uninstall_leaves_no_pod(app5: Lab) -> None:
    helm(app5, "uninstall", "app5", "-n", "app5", "--wait")
    until(lambda: not app5.get("pods", "-n", "app5")["items"], "the pod to go", 10)
