"""Our controllers beside kube-controller-manager: the same commands, the same objects."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.sandbox.cluster.objects.judge.conftest import UP, free_port
from tests.sandbox.cluster.running.conftest import Terminal, pods

pytestmark = [pytest.mark.judge, pytest.mark.clients, pytest.mark.timeout(120)]

NAMESPACE = "judge"
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "annotations": {"a": "b"}},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            # No node has this label: the pods stay Pending on both sides.
            "spec": {"nodeSelector": {"x": "y"}, "containers": [{"name": "c", "image": "nginx:1"}]},
        },
    },
}


def kubectl(*words: str, text: str = "") -> Callable[[Terminal], Any]:
    return lambda shell: shell.run("kubectl", words[0], "-n", NAMESPACE, *words[1:], text=text)


def make_ready(shell: Terminal) -> None:
    """Play the kubelet: every pod there is becomes ready."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": now, "observedGeneration": 1}
    patch = json.dumps({"status": {"phase": "Running", "conditions": [ready]}})
    for pod in pods(shell, NAMESPACE):
        name = pod["metadata"]["name"]
        how = ("--subresource=status", "--type=merge", "-p", patch)
        shell.run("kubectl", "patch", "pod", name, "-n", NAMESPACE, *how, check=False)


STEPS: dict[str, Callable[[Terminal], Any]] = {
    "create": kubectl("apply", "-f", "-", text=json.dumps(DEPLOYMENT)),
    "ready": make_ready,
    "another image": kubectl("set", "image", "deploy/web", "c=nginx:2"),
    "its first pod is ready": make_ready,
    "its second pod is ready": make_ready,
    "scaled": kubectl("scale", "deploy/web", "--replicas=3"),
    "undone": kubectl("rollout", "undo", "deploy/web"),
    "no such account": kubectl("set", "serviceaccount", "deploy/web", "none"),
}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    if not UP.is_file():
        pytest.skip(f"no real control plane to compare with: {UP} is missing")
    folder = tmp_path_factory.mktemp("kube")
    command = [str(UP), str(folder), str(free_port())]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as started:
        assert started.stdout is not None
        config = started.stdout.readline().strip()
        names = {"HOME": str(folder), "KUBECONFIG": config, "KUBECACHEDIR": str(folder / "cache")}
        yield Terminal(folder, {**names, "PATH": os.environ["PATH"]})
        os.killpg(started.pid, signal.SIGTERM)


def test_deployment_goes_the_same_way_step_by_step(real: Terminal, shell: Terminal) -> None:
    for terminal in (real, shell):
        terminal.run("kubectl", "create", "namespace", NAMESPACE)
    time.sleep(1)
    for step, do in STEPS.items():
        for terminal in (real, shell):
            do(terminal)
        time.sleep(1.5)
        assert seen(shell) == seen(real), step


def seen(shell: Terminal) -> list[str]:
    """The deployment and its replica sets, line by line, without what differs by chance."""
    sets = _items(shell, "rs")
    hashes = [rs["metadata"]["labels"]["pod-template-hash"] for rs in sorted(sets, key=_image)]
    objects = (*_items(shell, "deploy"), *sorted(sets, key=_image))
    return [line for obj in objects for line in _plain(obj, hashes).splitlines()]


def _items(shell: Terminal, kind: str) -> list[dict[str, Any]]:
    text = shell.run("kubectl", "get", kind, "-n", NAMESPACE, "-o", "json")
    return list(json.loads(text)["items"])


def _image(replica_set: dict[str, Any]) -> tuple[str, str]:
    spec = replica_set["spec"]["template"]["spec"]
    return spec.get("serviceAccountName", ""), spec["containers"][0]["image"]


def _plain(obj: dict[str, Any], hashes: list[str]) -> str:
    obj["metadata"].pop("managedFields", None)
    text = json.dumps(obj, sort_keys=True, indent=1)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UID", text)
    # Which of the two a rollout says last depends on who was faster.
    text = re.sub(
        r'ReplicaSet (\\"[\w-]+\\") is progressing\.', r"Created new replica set \1", text
    )
    text = text.replace("ReplicaSetUpdated", "NewReplicaSetCreated")
    text = re.sub(r'"resourceVersion": "\d+"', '"resourceVersion": "N"', text)
    for number, found in enumerate(hashes):
        text = text.replace(found, f"HASH{number}")
    return text
