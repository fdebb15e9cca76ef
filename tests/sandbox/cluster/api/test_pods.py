"""Pods through the API: logs, attach that is refused, admission, deletion with its policies."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from akswi_helpers.types import Json
from tests.sandbox.cluster.api.conftest import Client, Terminal

PODS = "/api/v1/namespaces/default/pods"


def test_pod_gets_its_account_token_volume_and_tolerations(admin: Client) -> None:
    spec = admin("POST", f"{PODS}?dryRun=All", _pod("dry")).body["spec"]
    assert spec["serviceAccountName"] == "default"
    assert spec["volumes"][0]["name"].startswith("kube-api-access-")
    assert [t["key"] for t in spec["tolerations"]] == [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ]


def test_pod_of_an_account_that_is_not_there_is_forbidden(admin: Client) -> None:
    answer = admin("POST", PODS, _pod("lost", serviceAccountName="nope"))
    assert answer.status == 403
    assert answer.body["message"] == (
        'pods "lost" is forbidden: error looking up service account default/nope: '
        'serviceaccount "nope" not found'
    )


def test_kubectl_logs_shows_what_the_container_wrote(shell: Terminal) -> None:
    shell.run("kubectl", "run", "web", "--image=nginx:1.27")
    shell.run("kubectl", "wait", "--for=condition=Ready", "pod/web", "--timeout=20s")
    assert "stand-in for nginx" in shell.run("kubectl", "logs", "web")
    assert shell.run("kubectl", "logs", "web", "--tail=0") == ""


def test_log_of_a_container_that_waits_is_refused(admin: Client) -> None:
    admin("POST", PODS, _pod("stuck", image="unknown.example/none:1"))
    _until(lambda: "waiting" in json.dumps(admin("GET", f"{PODS}/stuck").body))
    answer = admin("GET", f"{PODS}/stuck/log")
    assert answer.status == 400
    expected = 'container "c" in pod "stuck" is waiting to start: '
    assert answer.body["message"].startswith(expected)


def test_attach_is_not_implemented_and_says_so(shell: Terminal, admin: Client) -> None:
    admin("POST", PODS, _pod("here"))
    answer = admin("GET", f"{PODS}/here/attach?stdout=true")
    assert (answer.status, answer.body["reason"]) == (501, "NotImplemented")
    assert shell.result("kubectl", "attach", "here").returncode == 1


@pytest.mark.parametrize(
    ("policy", "left"), [("foreground", []), ("background", []), ("orphan", ["rs"])]
)
def test_kubectl_delete_cascades_as_asked(shell: Terminal, policy: str, left: list[str]) -> None:
    name = f"cascade-{policy}"
    shell.run("kubectl", "create", "deployment", name, "--image=nginx:1.27")
    selector = ("-l", f"app={name}", "-o", "name")
    _until(lambda: bool(shell.run("kubectl", "get", "rs", *selector)))
    shell.run("kubectl", "delete", "deployment", name, f"--cascade={policy}", "--timeout=20s")
    _until(lambda: bool(shell.run("kubectl", "get", "rs", *selector)) is bool(left))
    assert bool(shell.run("kubectl", "get", "rs", *selector)) is bool(left)


def test_scale_changes_the_replicas(shell: Terminal) -> None:
    shell.run("kubectl", "create", "deployment", "scaled", "--image=nginx:1.27")
    shell.run("kubectl", "scale", "deployment/scaled", "--replicas=3")
    wanted = ("-o", "jsonpath={.spec.replicas}")
    assert shell.run("kubectl", "get", "deployment", "scaled", *wanted) == "3"
    shell.run("kubectl", "rollout", "status", "deployment/scaled", "--timeout=20s")


def test_namespace_goes_with_everything_in_it(shell: Terminal, admin: Client) -> None:
    shell.run("kubectl", "create", "namespace", "going")
    shell.run("kubectl", "create", "configmap", "a", "-n", "going", "--from-literal=a=1")
    shell.run("kubectl", "delete", "namespace", "going", "--timeout=20s")
    assert admin("GET", "/api/v1/namespaces/going").status == 404
    assert admin("GET", "/api/v1/namespaces/going/configmaps").body["items"] == []


def _pod(name: str, image: str = "nginx:1.27", **spec: str) -> Json:
    head: Json = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}}
    return {**head, "spec": {**spec, "containers": [{"name": "c", "image": image}]}}


def _until(true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.1)
