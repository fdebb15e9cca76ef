"""The same requests to this API and to a real kube-apiserver: equal answers, field by field.

Needs the control plane that `tools/kube/up.sh` starts, which is not part of this repository.
"""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from akswi_helpers.types import Json
from tests.sandbox.cluster.api.conftest import Answer, Client, free_port

JUDGE = Path(__file__).parents[5] / "shared/tools/kube/up.sh"
pytestmark = [
    pytest.mark.judge,
    pytest.mark.clients,
    pytest.mark.skipif(not JUDGE.is_file(), reason=f"no kube-apiserver: {JUDGE} is missing"),
]

STEPS: list[Json] = json.loads((Path(__file__).parent / "vectors/steps.json").read_text())
_VOLATILE = {
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
    "time",
    "lastTransitionTime",
    "clusterIP",
    "clusterIPs",
    "description",
    "storageVersionHash",
    "serverAddress",
    "continue",
}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Raw HTTP as admin of a real API server."""
    folder, port = tmp_path_factory.mktemp("kube"), free_port()
    process = subprocess.Popen(
        ["bash", str(JUDGE), str(folder), str(port)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    assert process.stdout.readline().strip().endswith("admin.kubeconfig")
    client = Client.at(f"https://127.0.0.1:{port}", "admin-token", ssl._create_unverified_context())
    for _ in range(100):
        if client("GET", "/api/v1/namespaces/default/serviceaccounts/default").status == 200:
            break
        time.sleep(0.1)
    try:
        yield client
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        process.stdout.close()


@pytest.fixture(scope="module")
def compared(admin: Client, real: Client) -> dict[str, list[Any]]:
    """Both answers of every step where they differ, by the step's name."""
    both = {step["what"]: [_sent(admin, step), _sent(real, step)] for step in STEPS}
    return {what: pair for what, pair in both.items() if pair[0] != pair[1]}


def test_answers_equal_those_of_a_real_server(compared: dict[str, list[Any]]) -> None:
    known = {step["what"] for step in STEPS if "differs" in step}
    assert {what: pair for what, pair in compared.items() if what not in known} == {}


def test_known_differences_still_differ(compared: dict[str, list[Any]]) -> None:
    assert [s["what"] for s in STEPS if "differs" in s and s["what"] not in compared] == []


def _sent(client: Client, step: Json) -> Any:
    time.sleep(step.get("after_s", 0))
    headers = {k: step[k] for k in ("content_type", "accept") if k in step}
    answer = client(step["method"], step["path"], step.get("body"), **headers)
    if step.get("only") == "status":
        return answer.status
    if step.get("racing") and isinstance(answer.body, dict):
        _without_controllers(answer.body)
    return _comparable(answer)


def _without_controllers(body: Json) -> None:
    """Take out what a controller of either cluster may or may not have written yet."""
    body.pop("status", None)
    metadata = body["metadata"]
    metadata.get("annotations", {}).pop("deployment.kubernetes.io/revision", None)
    entries = metadata.get("managedFields", [])
    metadata["managedFields"] = [entry for entry in entries if "subresource" not in entry]


def _comparable(answer: Answer) -> Any:
    text = answer.body
    lines = text.splitlines() if isinstance(text, str) and text.startswith("{") else []
    body = [json.loads(line) for line in lines] if lines else text
    return [answer.status, _still(body), answer.warnings]


def _still(value: Any) -> Any:
    """The value without what differs from server to server and from second to second."""
    if isinstance(value, dict):
        if "managedFields" in value:  # their order follows the clock
            by_name = sorted(value["managedFields"], key=lambda entry: str(entry["manager"]))
            value = {**value, "managedFields": by_name}
        return {k: _still(v) for k, v in value.items() if k not in _VOLATILE}
    if isinstance(value, list):
        return [_still(item) for item in value]
    if isinstance(value, str):
        value = re.sub(r"kube-api-access-\w{5}", "kube-api-access-x", value)
        value = re.sub(r"\bkube-(controller-manager|apiserver)\b", "kube", value)
        value = re.sub(r"\bweb-\w+", "web-x", value)
        value = re.sub(r"in record \(\d+\)", "in record (n)", value)
        value = re.sub(r"^\d+s$|^<unknown>$", "0s", value)
        return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "uid", value)
    return value
