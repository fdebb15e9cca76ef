"""The whole walk with the Helm releases that are not on any package index."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.chain.standing import Standing
from tests.clients import built

pytestmark = pytest.mark.clients


@pytest.mark.parametrize("version", built.HELM)
def test_walk_is_green_with_helm(version: str, tmp_path: Path) -> None:
    lab = Standing(tmp_path / "home", path_first=built.helm(version))
    lab.akswi("run", "--to", "07", "--yes", "--out", str(tmp_path / "out"))
    try:
        assert f"Helm/{version}" in _agents(lab)
        _second_run_changes_nothing(lab, tmp_path)
        lab.akswi("run", "--only", "99", "--yes", "--out", str(tmp_path / "out"))
    finally:
        lab.akswi("sandbox", "stop", check=False)


def test_kubectl_1_30_answers_as_on_aks(tmp_path: Path) -> None:
    kubectl = built.kubectl_1_30()
    lab = Standing(tmp_path / "home")
    lab.akswi("run", "--to", "03", "--yes", "--out", str(tmp_path / "out"))
    try:
        lab.log_says("sha256=")
        wide = lab.run([str(kubectl), "get", "pods", "-A", "-o", "wide"])
        assert "app1-workloadidapp1" in wide
        applied = lab.run([str(kubectl), "label", "namespace", "app1", "seen=yes"])
        assert "labeled" in applied
    finally:
        lab.akswi("sandbox", "stop", check=False)


def _agents(lab: Standing) -> str:
    rows = json.loads(lab.akswi("sandbox", "log", "--json").stdout)
    return " ".join(str(row["user_agent"]) for row in rows)


def _second_run_changes_nothing(lab: Standing, tmp_path: Path) -> None:
    before = lab.kubectl("get", "deploy", "-n", "app1", "-o", "json")
    lab.akswi("run", "--to", "07", "--yes", "--out", str(tmp_path / "again"))
    after = lab.kubectl("get", "deploy", "-n", "app1", "-o", "json")
    generations = [
        json.loads(text)["items"][0]["metadata"]["generation"] for text in (before, after)
    ]
    assert generations[0] == generations[1]
