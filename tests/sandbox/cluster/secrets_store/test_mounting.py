"""Secrets mounted into pods, over the wire: what works, what is refused, how it is mended."""

from __future__ import annotations

import base64
import os
import signal
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from akswi_helpers.sandbox import process
from tests.sandbox.cluster.secrets_store.conftest import GROUP, Lab, pod, until

RULE = "-" * 80
SECRETS_STORE = "secretproviderclasspodstatuses.secrets-store.csi.x-k8s.io"
SET_UP = 'MountVolume.SetUp failed for volume "secrets-mount" : rpc error: code = Unknown desc = '


def wrapped(namespace: str) -> str:
    """How a FailedMount text begins when one object cannot be had."""
    return (
        f"{SET_UP}failed to mount secrets store objects for pod {namespace}/p, err: rpc error: "
        "code = Unknown desc = failed to mount objects, error: failed to get objectType:secret, "
        "objectName:arbitrarySecret, objectVersion:: "
    )


@pytest.fixture(scope="module")
def app5(lab: Lab) -> Lab:
    """A pod that mounts app 5's secret by workload identity."""
    sync = {
        "secretName": "synced",
        "type": "Opaque",
        "data": [{"objectName": "arbitrarySecret", "key": "k"}],
    }
    lab.mount(
        "app5",
        lab.outputs["kvApp5Name"],
        "app5-workloadidapp5",
        clientID=lab.outputs["idApp5ClientId"],
        secretObjects=[sync],
    )
    lab.runs("app5")
    return lab


def test_a_pod_mounts_its_secret_by_workload_identity(app5: Lab) -> None:
    file = app5.folder("app5") / "arbitrarySecret"
    value = file.read_text()
    assert value == app5.secret(app5.outputs["kvApp5Name"])
    assert not value.endswith("\n")
    assert file.readlink().as_posix() == "..data/arbitrarySecret"


def test_a_mount_by_workload_identity_makes_five_requests(app5: Lab) -> None:
    vault = f"{app5.outputs['kvApp5Name']}.vault.azure.net"
    login, secret = "login.microsoftonline.com", "/secrets/arbitrarySecret/"
    assert app5.requests_of_nodes()[:5] == [
        ("GET", vault, secret, 401),
        ("GET", login, "/common/discovery/instance", 200),
        ("GET", login, f"/{app5.tenant}/v2.0/.well-known/openid-configuration", 200),
        ("POST", login, f"/{app5.tenant}/oauth2/v2.0/token", 200),
        ("GET", vault, secret, 200),
    ]


def test_a_mount_is_told_in_a_pod_status_with_the_version(app5: Lab) -> None:
    found = app5.get(SECRETS_STORE, "p-app5-spc", "-n", "app5")
    pod = app5.get("pod", "p", "-n", "app5")
    [one] = found["status"]["objects"]
    assert (one["id"], len(one["version"])) == ("secret/arbitrarySecret", 32)
    assert found["metadata"]["ownerReferences"][0]["uid"] == pod["metadata"]["uid"]


def test_a_mount_makes_the_synced_secret(app5: Lab) -> None:
    found = app5.get("secret", "synced", "-n", "app5")
    file = app5.folder("app5") / "arbitrarySecret"
    assert base64.b64decode(found["data"]["k"]) == file.read_bytes()
    assert found["metadata"]["labels"] == {"secrets-store.csi.k8s.io/managed": "true"}


def test_a_pod_is_refused_without_a_federated_credential_and_healed_by_one(lab: Lab) -> None:
    client = lab.outputs["idApp3ClientId"]
    lab.mount("nofic", lab.outputs["kvApp3Name"], clientID=client)
    url = f"https://login.microsoftonline.com/{lab.tenant}/oauth2/v2.0/token"
    text = lab.failed_mount("nofic")
    assert text.startswith(
        f"{wrapped('nofic')}ClientAssertionCredential authentication failed. FromAssertion(): "
        f"http call({url})(POST) error: reply status code was 401:\n"
        '{"error":"invalid_client","error_description":"AADSTS70025: The client '
        f"'{client}'(id-app3) has no configured federated identity credentials. Trace ID: "
    )
    assert text.endswith(f"}}\n{RULE}\n")
    assert lab.state("nofic") == "ContainerCreating"
    credential = {
        "issuer": lab.outputs["aksOidcIssuerUrl"],
        "subject": "system:serviceaccount:nofic:default",
        "audiences": ["api://AzureADTokenExchange"],
    }
    lab.azure.identities.federated_identity_credentials.create_or_update(
        GROUP,
        "id-app3",
        "nofic",
        {"properties": credential},
    )
    lab.runs("nofic")
    [status] = lab.get("pod", "p", "-n", "nofic")["status"]["containerStatuses"]
    assert status["restartCount"] == 0


def test_a_pod_is_refused_an_identity_that_is_not_on_its_node_and_healed_by_a_patch(
    lab: Lab,
) -> None:
    client = lab.outputs["idApp3ClientId"]
    more = {"useVMManagedIdentity": "true", "userAssignedIdentityID": client}
    lab.mount("offnode", lab.outputs["kvApp3Name"], **more)
    text = lab.failed_mount("offnode")
    block = (
        f"GET http://169.254.169.254/metadata/identity/oauth2/token\n{RULE}\n"
        f'RESPONSE 400 Bad Request\n{RULE}\n{{\n  "error": "invalid_request",\n'
        f'  "error_description": "Identity not found"\n}}\n{RULE}\n'
        "To troubleshoot, visit https://aka.ms/azsdk/go/identity/troubleshoot#managed-id"
    )
    twice = "ManagedIdentityCredential authentication failed. " * 2
    why = "the requested identity isn't assigned to this resource"
    assert text == f"{wrapped('offnode')}{twice}{why}\n{block}\n{block}"
    lab.assign(lab.outputs["idApp3Id"])
    lab.runs("offnode")
    value = (lab.folder("offnode") / "arbitrarySecret").read_text()
    assert value == lab.secret(lab.outputs["kvApp3Name"])


def test_a_pod_is_refused_when_several_identities_are_there_and_none_is_named(lab: Lab) -> None:
    lab.mount("several", lab.outputs["kvApp3Name"], useVMManagedIdentity="true")
    text = lab.failed_mount("several")
    assert text.startswith(f"{wrapped('several')}ManagedIdentityCredential authentication failed")
    assert text.count("Multiple user assigned identities exist, please specify") == 2


def test_a_pod_is_refused_a_vault_that_its_identity_has_no_role_on(lab: Lab) -> None:
    vault = lab.outputs["kvApp2Name"]
    lab.mount("app5role", vault, clientID=lab.outputs["idApp5ClientId"])
    credential = {
        "issuer": lab.outputs["aksOidcIssuerUrl"],
        "subject": "system:serviceaccount:app5role:default",
        "audiences": ["api://AzureADTokenExchange"],
    }
    lab.azure.identities.federated_identity_credentials.create_or_update(
        GROUP, "id-app5", "role", {"properties": credential}
    )
    url = f"https://{vault}.vault.azure.net/secrets/arbitrarySecret/"
    begin = f"{wrapped('app5role')}GET {url}\n{RULE}\nRESPONSE 403: 403 Forbidden\n"
    until(
        lambda: any(
            text.startswith(f"{begin}ERROR CODE: Forbidden\n{RULE}\n{{")
            for text in lab.events("app5role", "FailedMount")
        ),
        "the role to be missing",
    )


def test_a_pod_is_refused_a_vault_that_does_not_exist(lab: Lab) -> None:
    lab.mount("novault", "kv-nowhere", clientID=lab.outputs["idApp5ClientId"])
    host = "kv-nowhere.vault.azure.net"
    assert lab.failed_mount("novault") == (
        f'{wrapped("novault")}Get "https://{host}/secrets/arbitrarySecret/?api-version=7.4": '
        f"dial tcp: lookup {host} on 10.0.0.10:53: no such host"
    )


def test_a_pod_waits_for_its_secret_provider_class(lab: Lab) -> None:
    lab.mount("noclass", lab.outputs["kvApp5Name"], clientID="x")
    lab.kubectl("delete", "pod", "p", "-n", "noclass")
    lab.kubectl("delete", "events", "--all", "-n", "noclass")
    lab.kubectl("delete", "secretproviderclass", "spc", "-n", "noclass")
    lab.apply(pod("noclass"))
    assert lab.failed_mount("noclass") == (
        f"{SET_UP}failed to get secretproviderclass noclass/spc, error: "
        'SecretProviderClass.secrets-store.csi.x-k8s.io "spc" not found'
    )


def test_a_rotated_secret_reaches_file_status_and_synced_secret(app5: Lab) -> None:
    file = app5.folder("app5") / "arbitrarySecret"
    app5.azure.secrets(app5.outputs["kvApp5Name"]).set_secret("arbitrarySecret", "Chipmunk")
    app5.move_clock(121)
    until(lambda: file.read_text() == "Chipmunk", "the file to change")
    synced = app5.get("secret", "synced", "-n", "app5")["data"]["k"]
    assert base64.b64decode(synced) == b"Chipmunk"
    said = ["successfully rotated mounted contents for spc app5/spc"]
    assert app5.events("app5", "MountRotationComplete") == said


def test_the_last_consumer_takes_the_synced_secret_along(app5: Lab) -> None:
    app5.kubectl("delete", "pod", "p", "-n", "app5")
    until(lambda: not app5.get("secrets", "-n", "app5")["items"], "the Secret to go")
    assert not app5.get(SECRETS_STORE, "-n", "app5")["items"]


def test_a_mounted_pod_goes_on_after_the_sandbox_was_killed(lab: Lab) -> None:
    vault, file = lab.outputs["kvApp3Name"], lab.folder("offnode") / "arbitrarySecret"
    os.kill(lab.cloud.running.pid, signal.SIGKILL)
    until(lambda: not process.running(lab.cloud.running.home), "the sandbox to end")
    process.start(lab.cloud.running.home)
    lab.azure.secrets(vault).set_secret("arbitrarySecret", "Marmot")
    lab.move_clock(121)
    until(lambda: file.read_text() == "Marmot", "the file to change")
    lab.runs("offnode")


def test_a_pod_of_driver_and_provider_runs_on_every_node(lab: Lab) -> None:
    label = "app in (secrets-store-csi-driver,secrets-store-provider-azure)"
    nodes = lab.kubectl("get", "nodes", "-o", "name").splitlines()
    rows = lab.kubectl("get", "pods", "-n", "kube-system", "-l", label, "--no-headers")
    states = sorted(" ".join(row.split()[1:3]) for row in rows.splitlines())
    assert states == sorted(["1/1 Running", "3/3 Running"] * len(nodes))
    shown = lab.kubectl("get", "daemonset", "-n", "kube-system", "--no-headers").split()
    assert shown[1:3] == [str(len(nodes))] * 2


def test_without_the_add_on_the_driver_is_gone(lab: Lab) -> None:
    clusters, name = lab.azure.clusters.managed_clusters, lab.outputs["aksClusterName"]
    changed: Any = clusters.get(GROUP, name)
    changed.addon_profiles["azureKeyvaultSecretsProvider"].enabled = False
    with pytest.raises(HttpResponseError, match="while a SecretProviderClass exists"):
        clusters.begin_create_or_update(GROUP, name, changed)
    lab.kubectl("delete", "secretproviderclass", "--all", "-A")
    clusters.begin_create_or_update(GROUP, name, changed).result()
    assert "secrets-store" not in lab.kubectl("api-resources", "-o", "name")
    assert lab.kubectl("get", "csidrivers,ds", "-A", "-o", "name") == ""
    lab.kubectl("create", "namespace", "late")
    until(lambda: "default" in lab.kubectl("get", "sa", "-n", "late"), "an account")
    lab.apply(pod("late"))
    assert lab.failed_mount("late").endswith(
        "driver name secrets-store.csi.k8s.io not found in the list of registered CSI drivers"
    )
