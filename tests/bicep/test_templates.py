"""The shipped templates: compiled from their sources, clean, and what the labs promise."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from akswi_helpers import places
from akswi_helpers.types import Json

BICEP = places.shipped("bicep")
SOURCES = sorted(BICEP.rglob("*.bicep"))
OUTPUTS = {f"kvApp{n}Name" for n in range(1, 6)} | {
    f"idApp{n}{what}" for n in (1, 3, 5) for what in ("ClientId", "Id")
}
OUTPUTS |= {"aksOidcIssuerUrl", "aksClusterName", "aksUserNodePoolName", "nodeResourceGroup"}


def compiled(name: str) -> Json:
    found: Json = json.loads((BICEP / f"{name}.json").read_text(encoding="utf-8"))
    return found


def resources(template: Json) -> Iterator[Json]:
    for one in template["resources"]:
        yield one
        if one["type"] == "Microsoft.Resources/deployments":
            yield from resources(one["properties"]["template"])


@pytest.fixture(scope="session")
def bicep() -> Callable[..., str]:
    """The Bicep command line: beside the repository, or on PATH; skips where there is none."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "tools" / "bicep" / "bicep"
    tool = str(beside) if beside.is_file() else shutil.which("bicep")
    if tool is None:
        pytest.skip(f"no Bicep command line at {beside} or on PATH")

    def run(*arguments: str) -> str:
        done = subprocess.run([tool, *arguments], capture_output=True, text=True, check=True)
        return done.stdout if "--stdout" in arguments else done.stdout + done.stderr

    return run


def without_compiler(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_compiler(v) for k, v in value.items() if k != "_generator"}
    return [without_compiler(item) for item in value] if isinstance(value, list) else value


@pytest.mark.judge
@pytest.mark.parametrize("name", ["main", "kvRbac"])
def test_json_is_compiled_from_the_source(bicep: Callable[..., str], name: str) -> None:
    again = json.loads(bicep("build", "--stdout", str(BICEP / f"{name}.bicep")))
    assert without_compiler(again) == without_compiler(compiled(name))


@pytest.mark.judge
@pytest.mark.parametrize("name", ["main", "kvRbac"])
def test_lint_finds_nothing(bicep: Callable[..., str], name: str) -> None:
    assert bicep("lint", str(BICEP / f"{name}.bicep")).strip() == ""


@pytest.mark.judge
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.name))
def test_source_is_formatted(bicep: Callable[..., str], source: Path) -> None:
    assert bicep("format", "--stdout", str(source)) == source.read_text(encoding="utf-8")


def test_main_gives_the_outputs_that_the_labs_read() -> None:
    assert set(compiled("main")["outputs"]) == OUTPUTS | {"tenantId"}


def test_every_api_version_is_one_that_the_sandbox_knows() -> None:
    data = places.PACKAGE / "sandbox" / "data" / "arm" / "api-versions.json"
    known = json.loads(data.read_text(encoding="utf-8"))
    used = {(one["type"], one["apiVersion"]) for one in resources(compiled("main"))}
    assert all(version in known[kind] for kind, version in used)


def test_no_kubernetes_version_is_pinned() -> None:
    assert "kubernetesversion" not in json.dumps(compiled("main")).lower()
    assert "orchestratorversion" not in json.dumps(compiled("main")).lower()


def test_kv_rbac_assigns_a_role_and_nothing_else() -> None:
    template = compiled("kvRbac")
    kinds = [one["type"] for one in template["resources"]]
    assert kinds == ["Microsoft.Authorization/roleAssignments"]
    assert set(template["parameters"]) == {"kvName", "principalId"}


def test_secret_seed_is_secure_and_made_new() -> None:
    seed = compiled("main")["parameters"]["secretSeed"]
    assert seed["type"] == "securestring"
    assert seed["defaultValue"] == "[newGuid()]"


def test_everything_that_can_carries_the_labs_tags() -> None:
    tagless = ("roleAssignments", "federatedIdentityCredentials", "deployments")
    bare = [
        one["type"]
        for one in resources(compiled("main"))
        if not one["type"].endswith(tagless) and one.get("tags") != "[parameters('tags')]"
    ]
    assert bare == []


def test_credentials_are_written_one_after_the_other() -> None:
    (loop,) = (
        one["copy"]
        for one in resources(compiled("main"))
        if "copy" in one and one["copy"]["name"] == "credentials"
    )
    assert (loop["mode"], loop["batchSize"]) == ("serial", 1)
