"""An application that somebody registered for a learner who may not: used, and left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from akswi_helpers import application, brought, clean_up, infrastructure, leftovers, preflight
from akswi_helpers.background import answer
from akswi_helpers.errors import LabError, UsageError
from akswi_helpers.lab import Lab, open_lab
from akswi_helpers.sandbox import process
from tests.lab import second_people
from tests.lab.second_people import CONTRIBUTOR, RBAC_ADMIN, Second, give, narrowed

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning:msgraph.generated",
        "ignore::DeprecationWarning:kiota_abstractions",
    ),
]

NOBODY = "99999999-9999-4999-8999-999999999999"


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("brought")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AKSWI_HOME", str(home))
        patch.setenv("AKSWI_HEADLESS", "1")
        try:
            yield open_lab("02", scenarios="app2", catch_up=True)
        finally:
            process.stop(home)


@pytest.fixture(scope="module")
def given(owner: Lab) -> Second:
    """Somebody else's application, with its principal."""
    return second_people.make(owner, "theirs")


def client(one: Second) -> str:
    return one.exports["AZURE_CLIENT_ID"]


def test_application_is_used_federated_and_left_to_its_owner(owner: Lab, given: Second) -> None:
    made = application.create(owner, client_id=client(given))
    assert (made.client_id, made.principal_id, made.changed) == (
        client(given),
        given.object_id,
        False,
    )
    assert application.federate(owner).changed
    assert not application.federate(owner).changed
    assert application.registered(owner) == []
    assert application.credential(owner) is not None
    assert leftovers.application_gone(owner)[0][2] == "deleted; its application stays"
    assert application.credential(owner) is None
    assert answer(_graph(owner).applications_with_app_id(client(given)).get()) is not None
    owner.ledger.close()


def test_credential_of_somebody_else_stays(owner: Lab, given: Second) -> None:
    _federate(owner, given, "https://elsewhere.example/", "theirs")
    application.create(owner, client_id=client(given))
    application.federate(owner)
    assert application.unfederate(owner) == 1
    held = answer(_held(owner, given).get())
    assert held is not None
    assert [one.name for one in held.value or []] == ["theirs"]
    owner.ledger.close()


def test_application_that_nobody_has_is_said(owner: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(brought.CLIENT, NOBODY)
    with pytest.raises(LabError, match=f"az ad sp create --id {NOBODY}"):
        application.create(owner)
    assert "the application" in [
        one.what[:15] for one in preflight.findings(owner) if one.state == preflight.MISSING
    ]


def test_client_id_that_is_no_guid_is_refused(owner: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(brought.CLIENT, "AksWiApp2")
    with pytest.raises(UsageError, match="AKSWI_APP2_CLIENT_ID is no GUID"):
        application.find(owner)


FEDERATE = """
from akswi_helpers import application, apps, evidence
from akswi_helpers.lab import open_lab
lab = open_lab("05", scenarios="app2", catch_up=True, accept_cost=True)
try:
    print(application.federate(lab).changed)
    apps.wait(lab, "app2")
    print(dict(evidence.table(lab)["works"]))
except Exception as error:
    print(type(error).__name__, error)
"""


def test_owner_federates_it_for_one_who_may_not_even_read(owner: Lab, given: Second) -> None:
    second = second_people.make(owner, "second")
    scope = f"/subscriptions/{owner.cloud.subscription_id}"
    give(owner, second, CONTRIBUTOR, scope)
    give(owner, second, RBAC_ADMIN, scope, narrowed())
    env = {
        **os.environ,
        **second.exports,
        "AKSWI_TARGET": "azure",
        "AKSWI_RESOURCE_GROUP": "seconds",
        brought.CLIENT: client(given),
        brought.PRINCIPAL: given.object_id,
    }
    said = _run(env)
    issuer = infrastructure.outputs(open_lab("01", resource_group="seconds"))["aksOidcIssuerUrl"]
    assert said.startswith(f"LabError The application {client(given)} is not yours to change")
    assert f"the issuer {issuer}, the subject system:serviceaccount:app2:" in said
    _federate(owner, given, issuer, "for-the-second")
    assert _run(env).splitlines() == ["False", "{'app2': 'yes'}"]


def test_clean_up_asks_entra_for_nothing(owner: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(brought.CLIENT, NOBODY)
    assert not leftovers.concerns(open_lab("99", resource_group="empty"))
    assert "application in Entra ID" not in set(
        clean_up.plan(open_lab("99", resource_group="empty"))["thing"]
    )


def _run(env: dict[str, str]) -> str:
    command = [sys.executable, "-c", FEDERATE]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _graph(owner: Lab) -> Any:
    return owner.cloud.graph()


def _held(owner: Lab, one: Second) -> Any:
    return (
        _graph(owner).applications.by_application_id(_id(owner, one)).federated_identity_credentials
    )


def _id(owner: Lab, one: Second) -> str:
    return str(answer(_graph(owner).applications_with_app_id(client(one)).get()).id)


def _federate(owner: Lab, one: Second, issuer: str, name: str) -> None:
    from msgraph.generated.models.federated_identity_credential import FederatedIdentityCredential

    body = FederatedIdentityCredential(
        name=name,
        issuer=issuer,
        subject="system:serviceaccount:app2:app2-workloadidapp2",
        audiences=[application.AUDIENCE],
    )
    answer(_held(owner, one).post(body))
