"""Finding helm: PATH first, then pip's; too old or none is one sentence."""

import stat
import subprocess
from pathlib import Path

import pytest

from akswi_helpers import commands, helm, places
from akswi_helpers.errors import LabError


@pytest.fixture(autouse=True)
def forgetful() -> None:
    helm.find.cache_clear()


def _program(folder: Path, version: str) -> Path:
    path = folder / "helm"
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_find_takes_path_first(tmp_path: Path) -> None:
    assert helm.find(str(_program(tmp_path, "v4.3.1").parent)) == tmp_path / "helm"


def test_find_takes_pip_s_when_path_has_none(tmp_path: Path) -> None:
    bundled = commands.beside_python("helm")
    if bundled is None:
        pytest.skip("pip has no helm for this platform")
    assert helm.find(str(tmp_path)) == bundled


@pytest.mark.parametrize("version", ["v3.16.4", "v2.17.0"])
def test_find_refuses_an_old_helm_in_one_sentence(tmp_path: Path, version: str) -> None:
    _program(tmp_path, version)
    with pytest.raises(LabError, match=r"too old: install Helm 3\.17 or newer") as refused:
        helm.find(str(tmp_path))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("version", ["v3.17.0", "v3.22.0", "v4.0.0-rc.1"])
def test_find_takes_any_newer_helm(tmp_path: Path, version: str) -> None:
    assert helm.find(str(_program(tmp_path, version).parent))


def test_find_refuses_a_helm_that_does_not_tell_its_version(tmp_path: Path) -> None:
    _program(tmp_path, "hello")
    with pytest.raises(LabError, match="does not tell its version"):
        helm.find(str(tmp_path))


def test_find_says_how_to_get_helm_when_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(LabError, match="There is no helm here: install Helm"):
        helm.find(str(tmp_path))


def test_chart_is_clean_for_helm_lint() -> None:
    chart = places.shipped("charts") / "workloadIdApp1"
    values = "keyvaultName=kv-app1,azureWorkloadIdentity.clientId=" + "-".join(
        ("00000000", "0000", "4000", "8000", "000000000000")
    )
    done = subprocess.run(
        [str(helm.find()), "lint", str(chart), "--strict", "--set", values],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "[WARNING]" not in done.stdout


def test_values_are_found_in_a_folder_with_a_comma_in_its_name(tmp_path: Path) -> None:
    folder = tmp_path / 'app2,app3 "mine"'
    folder.mkdir()
    (folder / "values.json").write_text('{"nameOverride": "renamed"}')
    chart = places.shipped("charts") / "workloadIdApp1"
    given = ["--values", helm.listed(folder / "values.json"), "--set", "keyvaultName=kv-app1"]
    client = "azureWorkloadIdentity.clientId=00000000-0000-4000-8000-000000000000"
    done = subprocess.run(
        [str(helm.find()), "template", "app1", str(chart), *given, "--set", client],
        capture_output=True,
        text=True,
    )
    assert "app1-renamed" in done.stdout, done.stderr
