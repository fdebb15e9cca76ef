"""Bad requests in the words of the real API: 95 that a kube-apiserver 1.37.2 answered, replayed.

What still differs is listed in `vectors/differences.json`, with the reason; the list must not grow.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from akswi_helpers.types import Json
from tests.sandbox.cluster.api.conftest import Answer, Client, Host
from tests.sandbox.cluster.objects import vectors

HERE = Path(__file__).parent
CASES = vectors.cases("refusals")
KNOWN: dict[str, str] = json.loads((HERE / "vectors/differences.json").read_text())

TEMPLATE: Json = {
    "metadata": {"labels": {"a": "b"}},
    "spec": {"containers": [{"name": "c", "image": "nginx"}]},
}
STANDING: list[tuple[str, Json]] = [  # what the real server held
    (
        "/apis/apps/v1/namespaces/default/deployments",
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "real"},
            "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE},
        },
    ),
    (
        "/api/v1/namespaces/default/configmaps",
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "real"},
            "data": {"a": "1"},
        },
    ),
    (
        "/api/v1/namespaces/default/services",
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "real"},
            "spec": {"ports": [{"port": 80}]},
        },
    ),
    (
        "/api/v1/namespaces/default/pods",
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "real"}, "spec": TEMPLATE["spec"]},
    ),
    (
        "/api/v1/namespaces/default/secrets",
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "fixed"},
            "immutable": True,
            "data": {"a": "YQ=="},
        },
    ),
]


def test_bad_requests_are_refused_in_the_real_words(
    replayed: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        equal = len(CASES) - len(replayed)
        sys.stdout.write(f"\n{equal} of {len(CASES)} answers equal the real server's\n")
    unexpected = {what: how for what, how in replayed.items() if what not in KNOWN}
    assert unexpected == {}


def test_known_differences_still_differ(replayed: dict[str, str]) -> None:
    assert [what for what in KNOWN if what not in replayed] == []


@pytest.fixture(scope="module")
def replayed(host: Host, admin: Client) -> dict[str, str]:
    """What differs, by the case's name."""
    for path, body in STANDING:
        assert admin("POST", path, body).status == 201
    return dict(_differences(admin, host.token("nobody")))


def _differences(admin: Client, nobody: str) -> Iterator[tuple[str, str]]:
    tokens = {"nobody-token": nobody, "nope": "nope", None: ""}
    for case in CASES:
        body = case.get("raw", case.get("body"))
        headers = {"content_type": case["ctype"]} if case.get("ctype") else {}
        headers |= {"accept": case["accept"]} if case.get("accept") else {}
        token = tokens[case["token"]] if "token" in case else None
        answer = admin(case["method"], case["path"], body, token, **headers)
        ours, real = _seen(answer), _told(case)
        if ours != real:
            yield case["what"], f"ours {json.dumps(ours)} real {json.dumps(real)}"


def _seen(answer: Answer) -> list[Any]:
    body = answer.body if answer.status >= 400 else "accepted"
    return [answer.status, _plain(body), answer.warnings]


def _told(case: Json) -> list[Any]:
    return [case["status"], _plain(case["answer"]), case.get("warnings", [])]


def _plain(body: Any) -> Any:
    """The answer without what differs from server to server: a name, a random suffix."""
    text = json.dumps(body).replace("system:serviceaccount:kube-system:nobody", "nobody")
    return json.loads(re.sub(r"Bad_\w{5}", "Bad_xxxxx", text))
