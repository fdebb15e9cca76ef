"""The real az, in an environment of its own, typed in the terminal that `env` makes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chain.standing import GROUP, Standing
from tests.clients import built
from tests.clients.built import ROOT

pytestmark = [pytest.mark.clients, pytest.mark.timeout(900)]


class Az:
    """az in one lab's terminal."""

    def __init__(self, lab: Standing) -> None:
        self.lab = lab
        path = f"{built.az()}{os.pathsep}{lab.env['PATH']}"
        self.env = {**lab.env, "PATH": path}

    def __call__(self, *words: str, check: bool = True) -> Any:
        done = subprocess.run(
            ["az", *words, "-o", "json"], env=self.env, capture_output=True, text=True
        )
        if not check:
            return done.stderr
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "null")

    def sign_in(self, secret: str, *, check: bool = True) -> Any:
        """`az login --service-principal` as the deployer, with this secret."""
        words = ("login", "--service-principal", "-u", self.env["AZURE_CLIENT_ID"])
        return self(*words, "-p", secret, "--tenant", self.env["AZURE_TENANT_ID"], check=check)


@pytest.fixture(scope="module")
def az(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Az]:
    lab = Standing(Path(tmp_path_factory.mktemp("home")))
    try:
        az = Az(lab)
        assert "AADSTS7000215" in az.sign_in("wrong", check=False)
        az.sign_in(az.env["AZURE_CLIENT_SECRET"])
        az("group", "create", "-n", GROUP, "-l", "westeurope")
        az("deployment", "group", "create", "-g", GROUP, "-f", str(ROOT / "bicep" / "main.json"))
        yield az
        az("group", "delete", "-n", GROUP, "-y")
    finally:
        lab.akswi("sandbox", "stop")


def test_az_shows_what_the_template_made(az: Az) -> None:
    assert len(az("keyvault", "list", "-g", GROUP)) == 5
    assert [one["name"] for one in az("identity", "list", "-g", GROUP)] == [
        "id-app1",
        "id-app3",
        "id-app5",
    ]
    assert az("aks", "show", "-g", GROUP, "-n", "aks-akswi")["oidcIssuerProfile"]["enabled"]


def test_az_reads_and_writes_a_secret(az: Az) -> None:
    vault = az("keyvault", "list", "-g", GROUP)[0]["name"]
    written = az("keyvault", "secret", "set", "--vault-name", vault, "-n", "mine", "--value", "x")
    read = az("keyvault", "secret", "show", "--vault-name", vault, "-n", "mine")
    assert read["id"] == written["id"]


def test_az_lists_the_roles_of_one_identity(az: Az) -> None:
    principal = az("identity", "show", "-g", GROUP, "-n", "id-app1")["principalId"]
    (role,) = az("role", "assignment", "list", "--all", "--assignee", principal)
    assert role["roleDefinitionName"] == "Key Vault Secrets User"
    assert "/vaults/kv-app1" in role["scope"]


def test_az_lists_roles_at_a_scope_and_with_all_those_below_it(az: Az) -> None:
    here = az("role", "assignment", "list")
    everywhere = az("role", "assignment", "list", "--all")
    assert {one["id"] for one in here} < {one["id"] for one in everywhere}
    assert {one["principalName"] for one in everywhere} >= {
        az.env["AZURE_CLIENT_ID"],
        *_clients(az),
    }


def test_az_lists_the_deployers_roles_by_client_id(az: Az) -> None:
    mine = az("role", "assignment", "list", "--assignee", az.env["AZURE_CLIENT_ID"])
    assert [one["roleDefinitionName"] for one in mine] == ["Owner"]


@pytest.mark.parametrize("method", ["spn", "azurecli"])
def test_kubeconfig_of_az_works_through_kubelogin(az: Az, tmp_path: Path, method: str) -> None:
    file = tmp_path / "kubeconfig"
    env = {**az.env, "KUBECONFIG": str(file), "AAD_LOGIN_METHOD": method}
    get = ["az", "aks", "get-credentials", "-g", GROUP, "-n", "aks-akswi", "-f", str(file)]
    subprocess.run(get, env=env, check=True, capture_output=True)
    found = subprocess.check_output(["kubectl", "get", "namespaces"], env=env, text=True)
    assert "kube-system" in found


def test_az_finds_no_identity_where_there_is_no_node(az: Az) -> None:
    assert "dentity" in az("login", "--identity", check=False)


def _clients(az: Az) -> list[str]:
    """The client ids of the lab's identities: az calls a service principal by it."""
    return [one["clientId"] for one in az("identity", "list", "-g", GROUP)]
