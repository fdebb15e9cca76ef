"""Sandbox or azure: how clients and child processes find their way."""

from __future__ import annotations

import os

import pytest

from akswi_helpers import apps, cluster, infrastructure, targets
from akswi_helpers.errors import LabError
from akswi_helpers.lab import Lab, open_lab
from tests.chain.standing import Standing

HOSTILE = ("HTTPS_PROXY", "https_proxy", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "ALL_PROXY")


def test_sandbox_clients_beat_a_hostile_environment(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in HOSTILE:
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "*")
    found = open_lab("07", scenarios="app1")
    assert infrastructure.state(found) == "Succeeded"
    assert list(apps.pods(found)["ready"]) == ["yes"]
    vault = infrastructure.outputs(found)["kvApp1Name"]
    with found.http() as session:
        assert session.get(f"https://{vault}.vault.azure.net/secrets").status_code in (400, 401)


def test_opening_a_lab_changes_nothing_in_this_process(lab: Lab) -> None:
    before = dict(os.environ)
    cluster.kubeconfig(open_lab("07", scenarios="app1"))
    assert dict(os.environ) == before


def test_child_processes_get_the_target_s_variables(lab: Lab) -> None:
    env = cluster.environment(lab)
    assert env["KUBECONFIG"] == str(lab.folder / "kubeconfig")
    assert env["HTTPS_PROXY"] == lab.cloud.exports["HTTPS_PROXY"]


def test_target_shows_no_secret(lab: Lab) -> None:
    secret = lab.cloud.exports["AZURE_CLIENT_SECRET"]
    assert secret not in repr(lab.cloud) + repr(lab) + lab._repr_html_()
    assert str(lab.cloud.who) == "akswi-deployer (a service principal)"


@pytest.fixture
def azure(standing: Standing, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """The same lab through the azure target: nothing but the exports of a terminal."""
    for name, value in standing.env.items():
        if name not in ("AKSWI_HOME", "AKSWI_HEADLESS"):
            monkeypatch.setenv(name, value)
    targets._azure_credential.cache_clear()
    return open_lab("07", target="azure", scenarios="app1")


def test_azure_target_works_with_the_exports_alone(azure: Lab) -> None:
    assert azure.target == "azure"
    assert azure.cloud.who.kind == "ServicePrincipal"
    assert infrastructure.deploy(azure).changed is False
    assert "sha256=" in apps.log(azure, "app1")


def test_azure_target_stops_before_the_first_write_without_consent(
    azure: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = open_lab("01", target="azure", resource_group="costly")
    with pytest.raises(LabError, match=r"costs money on Azure, and nothing was made: set accept_"):
        infrastructure.deploy(new)
    assert not new.cloud.resources().resource_groups.check_existence("costly")


def test_azure_target_says_how_to_sign_in(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    targets._azure_credential.cache_clear()
    for name in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with pytest.raises(LabError, match="Nobody is signed in to Azure: run 'az login'"):
        open_lab("00", target="azure")
    targets._azure_credential.cache_clear()
