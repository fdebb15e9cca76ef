"""App 1 is the chart's own file, in the pod too: the sandbox holds no line of it."""

from __future__ import annotations

import ast
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import akswi_helpers.sandbox
from akswi_helpers.places import shipped
from tests.chain.standing import DEPLOYMENT, NAMESPACE, Standing

PROGRAM = shipped("charts") / "workloadIdApp1" / "files" / "app1.py"
SANDBOX = Path(akswi_helpers.sandbox.__file__).parent


def _words(program: str) -> list[str]:
    """The texts that a program can print: its literals of several words, docstrings apart."""
    nodes = [node for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Constant)]
    texts = [node.value for node in nodes if isinstance(node.value, str)]
    return [text for text in texts if len(text.split()) >= 3 and "\n" not in text]


def test_no_line_of_the_log_is_in_the_sandbox_s_source(standing: Standing) -> None:
    source = "\n".join(path.read_text() for path in SANDBOX.rglob("*.py"))
    said = [*_words(PROGRAM.read_text()), "gave arbitrarySecret", "arbitrarySecret, sha256"]
    assert "gave arbitrarySecret, sha256" in standing.log_says("sha256=")
    assert len(said) >= 5
    assert [text for text in said if text.strip() in source] == []


@contextlib.contextmanager
def _edited(lab: Standing, old: str, new: str) -> Iterator[None]:
    """The program in the cluster with `old` replaced, and a new pod; as it was, afterwards."""
    for was, becomes in ((old, new), (new, old)):
        shown = lab.kubectl("get", "configmap", "-n", NAMESPACE, DEPLOYMENT, "-o", "json")
        program = json.loads(shown)["data"]["app1.py"]
        assert was in program
        patch = json.dumps({"data": {"app1.py": program.replace(was, becomes)}})
        lab.kubectl("patch", "configmap", "-n", NAMESPACE, DEPLOYMENT, "-p", patch)
        lab.restart()
        if becomes == new:
            yield


@pytest.mark.timeout(90)
def test_edited_config_map_changes_what_the_pod_does(standing: Standing) -> None:
    with _edited(standing, "sha256=", "digest-of-the-value="):
        assert "gave arbitrarySecret, digest-of-the-value=" in standing.log_says("digest-of")
    assert "digest-of" not in standing.log_says("sha256=")
