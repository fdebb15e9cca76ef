"""The stand-in for kubelogin: what it converts, and what it refuses to pretend."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml

from akswi_helpers import kubelogin

DEVICE_CODE = (
    "get-token --environment AzurePublicCloud --server-id server --client-id public "
    "--tenant-id tenant --login devicecode"
)
SPN = "get-token --login spn --environment AzurePublicCloud --tenant-id tenant --server-id server"
AKS = {
    "users": [
        {"name": "plain", "user": {"token": "t"}},
        {
            "name": "aks",
            "user": {
                "exec": {
                    "command": "kubelogin",
                    "args": DEVICE_CODE.split(),
                }
            },
        },
    ]
}


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(AKS))
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.delenv("AAD_LOGIN_METHOD", raising=False)
    return path


def test_convert_makes_aks_users_sign_in_as_a_service_principal(kubeconfig: Path) -> None:
    assert kubelogin.main(["convert-kubeconfig", "-l", "spn"]) == 0
    plain, aks = yaml.safe_load(kubeconfig.read_text())["users"]
    assert plain == AKS["users"][0]
    assert aks["user"]["exec"]["args"] == SPN.split()
    assert stat.S_IMODE(kubeconfig.stat().st_mode) == 0o600


@pytest.mark.parametrize("method", ["devicecode", "interactive", "msi"])
def test_other_ways_to_sign_in_are_refused(
    kubeconfig: Path, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = kubeconfig.read_text()
    assert kubelogin.main(["convert-kubeconfig", "-l", method]) == 1
    assert kubelogin.main(["get-token", "--server-id", "x", "-l", method]) == 1
    assert f"(asked for: {method})" in capsys.readouterr().err
    assert kubeconfig.read_text() == before


def test_missing_credential_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AZURE_CLIENT_SECRET", "AAD_SERVICE_PRINCIPAL_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    words = ["get-token", "--server-id", "x", "-l", "spn", "-t", "t", "--client-id", "c"]
    assert kubelogin.main(words) == 1
    assert "the client secret is missing: set AZURE_CLIENT_SECRET." in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "- a", "\t: :", None])
def test_file_that_is_no_kubeconfig_is_refused(
    kubeconfig: Path, text: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    kubeconfig.unlink() if text is None else kubeconfig.write_text(text)
    assert kubelogin.main(["convert-kubeconfig", "-l", "spn"]) == 1
    assert str(kubeconfig) in capsys.readouterr().err
