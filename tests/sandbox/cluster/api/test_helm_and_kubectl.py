"""The real helm and kubectl, unmodified, over TLS: what a person types, and what it prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from akswi_helpers.sandbox.request_log import RequestLog
from tests.sandbox.cluster.api.conftest import Host, Terminal

CHART = str(Path(__file__).parent / "chart")


def test_helm_installs_a_chart_and_lists_its_release(shell: Terminal) -> None:
    said = shell.run("helm", "install", "one", CHART, "-n", "one", "--create-namespace")
    assert "STATUS: deployed" in said
    listed = json.loads(shell.run("helm", "list", "-A", "-o", "json"))
    assert [(row["name"], row["namespace"], row["status"]) for row in listed] == [
        ("one", "one", "deployed")
    ]


def test_helm_upgrades_and_rolls_back(shell: Terminal) -> None:
    shell.run("helm", "install", "two", CHART, "-n", "two", "--create-namespace")
    shell.run("helm", "upgrade", "two", CHART, "-n", "two", "--set", "greeting=bye,replicas=3")
    assert _greeting(shell) == "bye"
    shell.run("helm", "rollback", "two", "1", "-n", "two")
    assert _greeting(shell) == "hello"
    replicas = "jsonpath={.spec.replicas}"
    assert shell.run("kubectl", "get", "deploy", "two", "-n", "two", "-o", replicas) == "1"


def test_helm_uninstalls_everything_of_the_chart(shell: Terminal) -> None:
    shell.run("helm", "install", "three", CHART, "-n", "three", "--create-namespace")
    shell.run("helm", "uninstall", "three", "-n", "three")
    kinds = "deployments,services,secrets"
    left = shell.run("kubectl", "get", kinds, "-n", "three", "-o", "name")
    assert left == ""
    gone = shell.result("kubectl", "get", "configmap", "three", "-n", "three")
    assert gone.stderr == 'Error from server (NotFound): configmaps "three" not found\n'


def test_kubectl_applies_changes_and_deletes_a_manifest(shell: Terminal) -> None:
    first = _config_map("1")
    assert "configmap/applied created" in shell.run("kubectl", "apply", "-f", "-", text=first)
    changed = shell.run("kubectl", "apply", "-f", "-", text=_config_map("2"))
    assert "configmap/applied configured" in changed
    again = shell.run("kubectl", "apply", "-f", "-", text=_config_map("2"))
    assert "configmap/applied unchanged" in again
    assert "deleted" in shell.run("kubectl", "delete", "-f", "-", text=first)


def test_kubectl_apply_refuses_an_unknown_field(shell: Terminal) -> None:
    manifest = _config_map("1").replace("\ndata:", "\ndataa:")
    refused = shell.result("kubectl", "apply", "-f", "-", text=manifest)
    assert refused.returncode == 1
    assert 'strict decoding error: unknown field "dataa"' in refused.stderr


def test_kubectl_server_side_apply_names_the_conflicting_manager(shell: Terminal) -> None:
    apply = ("kubectl", "apply", "--server-side", "-f", "-", "--field-manager")
    shell.run(*apply, "first", text=_config_map("1", "shared"))
    refused = shell.result(*apply, "second", text=_config_map("2", "shared"))
    assert 'conflict with "first": .data.a' in refused.stderr
    forced = shell.run(*apply, "second", "--force-conflicts", text=_config_map("2", "shared"))
    assert "serverside-applied" in forced


@pytest.mark.parametrize("verb", ["get", "delete"])
def test_kubectl_names_what_is_not_there(shell: Terminal, verb: str) -> None:
    refused = shell.result("kubectl", verb, "deployment", "nope")
    expected = 'Error from server (NotFound): deployments.apps "nope" not found\n'
    assert refused.stderr == expected


def test_kubectl_wait_sees_a_deletion(shell: Terminal) -> None:
    shell.run("kubectl", "create", "configmap", "short", "--from-literal=a=1")
    shell.run("kubectl", "delete", "configmap", "short", "--wait=false")
    waited = shell.result("kubectl", "wait", "--for=delete", "configmap/short", "--timeout=5s")
    assert waited.returncode == 0


def test_kubectl_api_resources_says_the_same_from_its_cache(shell: Terminal) -> None:
    first = shell.run("kubectl", "api-resources", "-o", "name")
    assert "deployments.apps\n" in first
    assert shell.run("kubectl", "api-resources", "-o", "name") == first


def test_every_request_is_logged_with_its_user_agent(host: Host, shell: Terminal) -> None:
    shell.run("kubectl", "get", "namespaces")
    rows = host.call(lambda: host.world.state(RequestLog).rows())
    row = rows[-1]
    assert (row["path"], row["status"]) == ("/api/v1/namespaces", 200)
    assert row["user_agent"].startswith("kubectl/")


def _greeting(shell: Terminal) -> str:
    wanted = "jsonpath={.data.greeting}"
    return shell.run("kubectl", "get", "configmap", "two", "-n", "two", "-o", wanted)


def _config_map(value: str, name: str = "applied") -> str:
    head = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: default\n"
    return f'{head}data:\n  a: "{value}"\n'
