"""The objects of a mount: several, with aliases and versions; and what Key Vault says no to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox.cluster.secrets_store.conftest import OBJECTS, Lab, pod, until

RULE = "-" * 80


def listed(*objects: dict[str, str]) -> str:
    """The `objects` parameter."""
    rows = "".join(f"  - |\n    {json.dumps({'objectType': 'secret', **one})}\n" for one in objects)
    return f"array:\n{rows}"


@pytest.fixture(scope="module")
def node(lab: Lab) -> Lab:
    """The lab with app 3's identity on its nodes."""
    lab.assign(lab.outputs["idApp3Id"])
    return lab


def identity(lab: Lab) -> dict[str, str]:
    """The parameters that ask as app 3's identity on the node."""
    client = lab.outputs["idApp3ClientId"]
    return {"useVMManagedIdentity": "true", "userAssignedIdentityID": client}


def mount(lab: Lab, name: str, objects: str) -> None:
    lab.mount(name, lab.outputs["kvApp3Name"], objects=objects, **identity(lab))


def secrets(lab: Lab) -> Any:
    return lab.azure.secrets(lab.outputs["kvApp3Name"])


def test_several_objects_become_files_by_alias_and_version(node: Lab) -> None:
    old = secrets(node).set_secret("other", "one")
    secrets(node).set_secret("other", "two")
    wanted = {"objectName": "other", "objectVersion": str(old.properties.version)}
    mount(
        node,
        "several",
        listed(
            {"objectName": "other", "objectAlias": "sub/dir/newest"},
            {**wanted, "objectAlias": "pinned", "objectEncoding": "utf-8"},
        ),
    )
    node.runs("several")
    folder = node.folder("several")
    assert (folder / "sub/dir/newest").read_text() == "two"
    assert (folder / "pinned").read_text() == "one"
    links = {
        path.name: path.readlink().as_posix() for path in folder.iterdir() if path.is_symlink()
    }
    assert links.keys() == {"..data", "sub", "pinned"}
    assert links["sub"] == "..data/sub"


def test_one_object_that_is_not_there_fails_the_whole_mount(node: Lab) -> None:
    mount(node, "absent", listed({"objectName": "arbitrarySecret"}, {"objectName": "nothing"}))
    text = node.failed_mount("absent")
    url = f"https://{node.outputs['kvApp3Name']}.vault.azure.net/secrets/nothing/"
    assert (
        f"objectName:nothing, objectVersion:: GET {url}\n{RULE}\nRESPONSE 404: 404 Not Found\n"
        f"ERROR CODE: SecretNotFound\n{RULE}\n{{" in text
    )
    uid = node.get("pod", "p", "-n", "absent")["metadata"]["uid"]
    home = node.cloud.running.home
    assert not list(home.glob(f"sandbox/pods/*/{uid}/volumes/*/*/arbitrarySecret"))


def test_a_disabled_secret_is_refused_and_healed_when_it_is_enabled(node: Lab) -> None:
    secrets(node).set_secret("off", "x", enabled=False)
    mount(node, "disabled", listed({"objectName": "off"}))
    text = node.failed_mount("disabled")
    assert "RESPONSE 403: 403 Forbidden\nERROR CODE: Forbidden\n" in text
    assert "Operation get is not allowed on a disabled secret." in text
    secrets(node).update_secret_properties("off", enabled=True)
    node.runs("disabled")


def test_an_unknown_object_type_fails_at_its_turn(node: Lab) -> None:
    mount(node, "types", listed({"objectName": "s", "objectType": "password"}))
    assert node.failed_mount("types").endswith(
        "failed to get objectType:password, objectName:s, objectVersion:: "
        "Invalid vaultObjectTypes. Should be secret, key, or cert"
    )


def test_a_key_is_not_emulated_and_says_so(node: Lab) -> None:
    mount(node, "keys", listed({"objectName": "k", "objectType": "key"}))
    assert "NotEmulated" in node.failed_mount("keys")


def test_a_tenant_that_is_not_there_is_refused(node: Lab) -> None:
    tenant = "11111111-2222-4333-8444-555555555555"
    node.mount("tenant", node.outputs["kvApp3Name"], clientID="c", tenantID=tenant)
    text = node.failed_mount("tenant")
    assert "[akswi: wording not verified] ClientAssertionCredential: unable to resolve" in text
    assert "AADSTS90002" in text


def test_a_synced_secret_that_names_no_file_is_told_in_an_event(node: Lab) -> None:
    data = [{"objectName": "nothing", "key": "k"}]
    sync = [{"secretName": "s", "type": "Opaque", "data": data}]
    node.mount("unsynced", node.outputs["kvApp3Name"], secretObjects=sync, **identity(node))
    said = until(lambda: node.events("unsynced", "SecretCreationFailed"), "the event")
    assert said == [
        "failed to get data in spc unsynced/spc for secret s, err: file matching objectName "
        "nothing not found in the pod"
    ]


def test_a_pod_on_the_other_pool_meets_that_pools_identities(node: Lab) -> None:
    node.kubectl("create", "namespace", "system")
    until(lambda: "default" in node.kubectl("get", "sa", "-n", "system"), "an account")
    document = pod("system")
    document["spec"]["nodeSelector"] = {"kubernetes.azure.com/agentpool": "npsystem"}
    document["spec"]["tolerations"] = [{"operator": "Exists"}]
    asked = {"keyvaultName": node.outputs["kvApp3Name"], "tenantId": node.tenant}
    spec = {"provider": "azure", "parameters": {**asked, "objects": OBJECTS, **identity(node)}}
    named = {"name": "spc", "namespace": "system"}
    kind = {"apiVersion": "secrets-store.csi.x-k8s.io/v1", "kind": "SecretProviderClass"}
    node.apply({**kind, "metadata": named, "spec": spec}, document)
    assert "Identity not found" in node.failed_mount("system")


def test_an_identity_taken_off_the_nodes_no_longer_mounts(node: Lab) -> None:
    group, name = node.outputs["nodeResourceGroup"], node.scale_set.name
    gone: Any = {node.outputs["idApp3Id"]: None}
    body: Any = {"identity": {"type": "UserAssigned", "userAssignedIdentities": gone}}
    node.azure.compute.virtual_machine_scale_sets.begin_update(group, name, body).result()
    mount(node, "off", listed({"objectName": "arbitrarySecret"}))
    assert "Identity not found" in node.failed_mount("off")
