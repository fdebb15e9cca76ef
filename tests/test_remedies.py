"""Advice that names the app at hand, what is its own, and the call that mends it."""

from __future__ import annotations

import re
from dataclasses import asdict

import pytest

from akswi_helpers import application, explain, remedies
from akswi_helpers.refusal_codes import ADVICE
from akswi_helpers.scenarios import NAMES, named

COMPARED = ("AADSTS700211", "AADSTS700212", "AADSTS700213", "AADSTS7002138")
BY_APP = {
    "app1": ("the managed identity id-app1", "infrastructure.deploy(lab)", "notebook 01-"),
    "app2": ("the application AksWiApp2", "application.federate(lab)", "notebook 05-"),
    "app5": ("the managed identity id-app5", "infrastructure.deploy(lab)", "notebook 01-"),
}
ROLES = {
    "app1": "infrastructure.deploy(lab)",
    "app2": "vault_access.grant(lab)",
    "app3": "infrastructure.deploy(lab)",
    "app4": "vault_access.grant(lab)",
    "app5": "infrastructure.deploy(lab)",
}
OF_APP_3 = "The client 'an-id'(id-app3) has no configured federated identity credentials."


@pytest.mark.parametrize("app", BY_APP)
@pytest.mark.parametrize("code", ["AADSTS70025", *COMPARED])
def test_advice_names_what_holds_the_credential_and_what_mends_it(code: str, app: str) -> None:
    said = remedies.advice(code, app)
    assert [part for part in BY_APP[app] if part not in said] == []


@pytest.mark.parametrize("app", BY_APP)
@pytest.mark.parametrize("code", COMPARED)
def test_advice_compares_the_strings_of_the_app_that_asked(code: str, app: str) -> None:
    assert f'tokens.match(lab, "{app}")' in remedies.advice(code, app)


@pytest.mark.parametrize("app", NAMES)
@pytest.mark.parametrize("code", ADVICE)
def test_advice_names_no_app_but_the_one_that_asked(code: str, app: str) -> None:
    said = remedies.advice(code, app)
    assert set(re.findall(r"app ?([1-5])", _without_notebooks(said))) <= {app[-1]}
    assert "{" not in said


@pytest.mark.parametrize("app", BY_APP)
def test_advice_names_the_service_account_when_the_subject_differs(app: str) -> None:
    assert application.subject(named(app)) in remedies.advice("AADSTS700213", app)
    assert application.subject(named(app)) in remedies.advice("AADSTS700016", app)


@pytest.mark.parametrize("app", NAMES)
def test_advice_gives_each_app_its_role_by_the_call_that_gave_it(app: str) -> None:
    text = f"Caller is not authorized. Vault: kv-{app}akswi;location=westeurope"
    assert remedies.advice("ForbiddenByRbac", app, text).startswith(f"app {app[-1]} has no role")
    assert ROLES[app] in remedies.advice("ForbiddenByRbac", app, text)


def test_advice_mends_nothing_when_another_apps_vault_says_no() -> None:
    said = remedies.advice("ForbiddenByRbac", "app1", "Vault: kv-app3akswi;location=westeurope")
    assert "the vault of app 3; app 1 may read its own only" in said
    assert "(lab)" not in said


def test_advice_says_whose_vault_it_is_when_nobody_says_who_asked() -> None:
    said = remedies.advice("ForbiddenByRbac", "", "Vault: kv-app3akswi;location=westeurope")
    assert said.startswith("this is the vault of app 3, and no other app is meant to read it")


def test_advice_for_a_nodes_identity_makes_no_credential() -> None:
    said = remedies.advice("AADSTS70025", "", OF_APP_3)
    assert "id-app3 has no federated credential and needs none" in said
    assert "node_identity.assign(lab)" in said


def test_advice_tells_an_app_that_it_came_with_anothers_client_id() -> None:
    said = remedies.advice("AADSTS70025", "app1", OF_APP_3)
    assert said.startswith("this names app 3, and app 1 asked")
    assert 'apps.client_id(lab, "app1")' in said


@pytest.mark.parametrize("code", ADVICE)
def test_advice_reads_whole_when_no_app_is_known(code: str) -> None:
    assert "{" not in remedies.advice(code)
    assert remedies.advice(code).endswith((".", "?"))


def test_every_app_has_its_words() -> None:
    assert all(all(asdict(remedies.of(app)).values()) for app in ("", *NAMES))
    assert remedies.APPLICATION.endswith(f" {application.NAME}")


def test_of_log_advises_app_1() -> None:
    line = "error: login.microsoftonline.com says 401: AADSTS700213: No matching record."
    refused = explain.of_log(line)
    assert refused is not None
    assert "the managed identity id-app1 trusts one subject only" in refused.refusal.next


def _without_notebooks(said: str) -> str:
    return re.sub(r"notebook [\w-]+", "", said)
