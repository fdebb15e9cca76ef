"""The same requests to this API and to a real kube-apiserver: equal answers, field by field.

Needs the control plane that `tools/kube/up.sh` starts, which is not part of this repository.
"""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from akswi_helpers.types import Json
from tests.sandbox.cluster.api.conftest import Answer, Client, Host, free_port

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
        ["bash", str(JUDGE), str(folder), str(port)], stdout=subprocess.PIPE, text=True
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
        process.terminate()
        process.wait(10)
        process.stdout.close()


def test_answers_equal_those_of_a_real_server(admin: Client, real: Client) -> None:
    different = {}
    for step in STEPS:
        ours, theirs = _sent(admin, step), _sent(real, step)
        if ours != theirs:
            different[step["what"]] = {"ours": ours, "real": theirs}
    assert different == {}


def _sent(client: Client, step: Json) -> Any:
    headers = {k: step[k] for k in ("content_type", "accept") if k in step}
    answer = client(step["method"], step["path"], step.get("body"), **headers)
    return _comparable(answer)


def _comparable(answer: Answer) -> Any:
    text = answer.body
    lines = text.splitlines() if isinstance(text, str) and text.startswith("{") else []
    body = [json.loads(line) for line in lines] if lines else text
    return [answer.status, _still(body), answer.warnings]


def _still(value: Any) -> Any:
    """The value without what differs from server to server and from second to second."""
    if isinstance(value, dict):
        return {k: _still(v) for k, v in value.items() if k not in _VOLATILE}
    if isinstance(value, list):
        return [_still(item) for item in value]
    if isinstance(value, str):
        value = re.sub(r"kube-api-access-\w{5}", "kube-api-access-x", value)
        value = re.sub(r"^\d+s$|^<unknown>$", "0s", value)
        return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "uid", value)
    return value


__all__ = ["Host"]
