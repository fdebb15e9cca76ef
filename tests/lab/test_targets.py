"""Sandbox or azure: how clients and child processes find their way."""

from __future__ import annotations

import os

import certifi
import pytest
import yaml

from akswi_helpers import (
    application,
    apps,
    cluster,
    evidence,
    infrastructure,
    places,
    sign_in,
    targets,
    vaults,
)
from akswi_helpers.errors import LabError
from akswi_helpers.lab import Lab, open_lab
from akswi_helpers.sandbox import control
from akswi_helpers.types import Json
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
def azure(terminal: dict[str, str]) -> Lab:
    """The same lab through the azure target."""
    return open_lab("07", target="azure", scenarios="app1")


def test_azure_target_works_with_the_exports_alone(azure: Lab) -> None:
    assert azure.target == "azure"
    assert azure.cloud.who.kind == "ServicePrincipal"
    assert infrastructure.deploy(azure).changed is False
    assert "sha256=" in apps.log(azure, "app1")
    assert not (places.home() / "sandbox").exists()


def test_azure_target_finds_the_only_subscription(
    azure: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_SUBSCRIPTION_ID")
    found = open_lab("00", target="azure")
    assert found.cloud.subscription_id == azure.cloud.subscription_id
    assert found.rows()["subscription"] == f"akswi sandbox ({azure.cloud.subscription_id})"


@pytest.mark.parametrize("name", sign_in.CA_VARIABLES)
def test_azure_target_trusts_the_ca_that_one_variable_names(
    terminal: dict[str, str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for other in sign_in.CA_VARIABLES:
        if other != name:
            monkeypatch.delenv(other, raising=False)
    lab = open_lab("07", target="azure", scenarios="app1")
    assert application.find(lab) is None
    assert vaults.digest(lab, "app1") == evidence.logged(lab, "app1")
    with lab.http() as session:
        assert session.get("https://management.azure.com/subscriptions").status_code == 400


def test_azure_target_reaches_the_cluster_by_its_name_through_a_proxy_with_a_password(
    azure: Lab,
) -> None:
    cluster.read(azure, "/version")
    path = azure.folder / "kubeconfig"
    config = yaml.safe_load(path.read_text())
    about = config["clusters"][0]["cluster"]
    about["server"] = f"https://{about.pop('tls-server-name')}:443"
    path.write_text(yaml.safe_dump(config))
    azure.forget(cluster.CLIENT)
    assert "@127.0.0.1" in os.environ["HTTPS_PROXY"]
    assert cluster.read(azure, "/api/v1/namespaces/app1") is not None


def test_azure_target_asks_for_each_token_once(
    azure: Lab, standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(_tokens(standing))
    lab = open_lab("07", target="azure", scenarios="app1")
    infrastructure.compare(lab)
    vaults.digest(lab, "app1")
    assert len(_tokens(standing)) - before <= 3  # for ARM, the cluster, the vaults


def test_azure_target_says_how_to_sign_in(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with pytest.raises(LabError, match="Nobody is signed in to Azure: run 'az login'"):
        open_lab("00", target="azure")


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"AZURE_CLIENT_SECRET": "wrong"}, "AADSTS7000215"),
        ({"AZURE_SUBSCRIPTION_ID": "0" * 8}, "SubscriptionNotFound"),
        ({"REQUESTS_CA_BUNDLE": certifi.where()}, "name your company's authority in REQUESTS_CA_B"),
        ({"HTTPS_PROXY": "http://127.0.0.1:9"}, "look at the network, and at HTTPS_PROXY"),
        ({"HTTPS_PROXY": "{proxy}"}, "asks for a user and a password: put both into HTTPS_PROXY"),
    ],
)
def test_azure_target_says_what_stands_in_the_way(
    terminal: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    variables: dict[str, str],
    sentence: str,
) -> None:
    nameless = f"http://{terminal['HTTPS_PROXY'].rpartition('@')[2]}"
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(proxy=nameless))
        monkeypatch.delenv(name.lower(), raising=False)
    with pytest.raises(LabError) as refused:
        open_lab("00", target="azure")
    assert sentence in str(refused.value)
    assert capfd.readouterr().err == ""


def test_person_is_the_owner_by_user_name_and_an_application_by_its_id() -> None:
    person = targets.Person("1", "ada@example.com", "User", "az's own id")
    pipeline = targets.Person("2", "pipeline", "ServicePrincipal", "its id")
    assert (person.owner, pipeline.owner) == ("ada@example.com", "its id")


def _tokens(standing: Standing) -> list[Json]:
    rows = control.ask(standing.home, "log", limit=50_000)["rows"]
    return [row for row in rows if "identity" in row["user_agent"] and row["method"] == "POST"]
