"""App 2's application: registered once, federated, removed for good; a namesake is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from akswi_helpers import application, infrastructure
from akswi_helpers.background import answer
from akswi_helpers.errors import NotThereYet, Refused
from akswi_helpers.lab import Lab
from akswi_helpers.sandbox import control
from tests.chain.standing import Standing

# The SDK warns of classes of its own while its modules are imported.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:msgraph.generated", "ignore::DeprecationWarning:kiota_abstractions"
)


@pytest.fixture
def lab(lab: Lab) -> Iterator[Lab]:
    yield lab
    application.remove(lab)


def namesake(lab: Lab, **more: Any) -> Any:
    from msgraph.generated.models.application import Application as Body

    body = Body(display_name=application.NAME, **more)
    return answer(lab.cloud.graph().applications.post(body))


def writes(standing: Standing) -> list[tuple[str, str]]:
    rows = control.ask(standing.home, "log", limit=50_000)["rows"]
    return [
        (row["method"], row["path"])
        for row in rows
        if row["host"] == "graph.microsoft.com" and row["method"] != "GET"
    ]


def test_create_registers_application_and_principal_with_the_labs_tag(lab: Lab) -> None:
    assert application.find(lab) is None
    made = application.create(lab)
    found = application.find(lab)
    assert made.changed
    assert found is not None
    assert (found.client_id, found.principal_id) == (made.client_id, made.principal_id)
    assert application.registered(lab) == ["AksWiApp2"]
    assert application.tag(lab) in lab.ledger.ids("application")


def test_create_again_sends_no_write(lab: Lab, standing: Standing) -> None:
    first = application.create(lab)
    before = writes(standing)
    again = application.create(lab)
    assert (again.client_id, again.changed) == (first.client_id, False)
    assert writes(standing) == before


def test_create_finishes_what_a_crash_left_half_done(lab: Lab) -> None:
    first = application.create(lab)
    graph = lab.cloud.graph()
    answer(graph.service_principals.by_service_principal_id(first.principal_id).delete())
    assert application.find(lab) is None
    again = application.create(lab)
    assert (again.client_id, again.changed) == (first.client_id, True)
    assert again.principal_id != first.principal_id


def test_federate_trusts_app_2s_service_account_at_the_clusters_issuer(lab: Lab) -> None:
    application.create(lab)
    made = application.federate(lab)
    assert made.issuer == infrastructure.outputs(lab)["aksOidcIssuerUrl"]
    assert made.subject == "system:serviceaccount:app2:app2-workloadidapp2"
    shown = application.federated_credentials(lab)
    assert list(shown["audience"]) == ["api://AzureADTokenExchange"]


def test_federate_again_sends_no_write(lab: Lab, standing: Standing) -> None:
    application.create(lab)
    application.federate(lab)
    before = writes(standing)
    assert not application.federate(lab).changed
    assert writes(standing) == before


def test_federate_mends_a_credential_that_differs(lab: Lab) -> None:
    from msgraph.generated.models.federated_identity_credential import FederatedIdentityCredential

    made = application.create(lab)
    application.federate(lab)
    held = lab.cloud.graph().applications.by_application_id(made.id).federated_identity_credentials
    wrong = FederatedIdentityCredential(issuer="https://elsewhere.example")
    answer(held.by_federated_identity_credential_id("akswi-app2").patch(wrong))
    assert application.federate(lab).changed
    assert not application.federate(lab).changed


def test_federate_with_another_subject_lasts_until_the_next_call(lab: Lab) -> None:
    application.create(lab)
    wrong = application.federate(lab, subject="system:serviceaccount:app2:App2-workloadidapp2")
    found = application.credential(lab)
    assert found is not None
    assert (found.subject, wrong.changed) == (wrong.subject, True)
    assert application.federate(lab).subject == "system:serviceaccount:app2:app2-workloadidapp2"


def test_unfederate_takes_every_credential_and_says_how_many(lab: Lab, standing: Standing) -> None:
    application.create(lab)
    application.federate(lab)
    assert application.unfederate(lab) == 1
    assert application.federated_credentials(lab).empty
    assert [method for method, path in writes(standing) if "federated" in path][-1] == "DELETE"
    assert application.unfederate(lab) == 0


def test_unfederate_without_an_application_says_what_comes_first(lab: Lab) -> None:
    with pytest.raises(NotThereYet, match=r"application\.create\(lab\) registers it"):
        application.unfederate(lab)


def test_federate_without_an_application_says_what_comes_first(lab: Lab) -> None:
    with pytest.raises(NotThereYet, match=r"application\.create\(lab\) registers it"):
        application.federate(lab)


def test_remove_leaves_nothing_in_the_recycle_bin(lab: Lab) -> None:
    made = application.create(lab)
    assert made.id in application.remove(lab)
    assert application.registered(lab) == application.recycled(lab) == []
    assert application.remove(lab) == []


def test_remove_goes_on_where_a_crash_left_it_in_the_bin(lab: Lab) -> None:
    made = application.create(lab)
    answer(lab.cloud.graph().applications.by_application_id(made.id).delete())
    assert set(application.recycled(lab)) == {"AksWiApp2"}
    application.remove(lab)
    assert application.recycled(lab) == []


@pytest.mark.parametrize(
    "tags", [None, ["akswi-lab"], ["akswi-lab=akswi"], ["akswi-lab=/subscriptions/other"]]
)
def test_namesake_is_neither_taken_over_nor_removed(lab: Lab, tags: list[str] | None) -> None:
    foreign = namesake(lab, tags=tags)
    made = application.create(lab)
    application.federate(lab)
    application.remove(lab)
    held: Any = lab.cloud.graph().applications.by_application_id(foreign.id)
    assert made.id != foreign.id
    assert answer(held.get()).display_name == "AksWiApp2"
    assert answer(held.federated_identity_credentials.get()).value == []
    answer(held.delete())


def test_namesake_in_the_recycle_bin_stays_there(lab: Lab) -> None:
    foreign, graph = namesake(lab), lab.cloud.graph()
    answer(graph.applications.by_application_id(foreign.id).delete())
    application.create(lab)
    application.remove(lab)
    held: Any = graph.directory.deleted_items.by_directory_object_id(foreign.id)
    assert answer(held.get()).id == foreign.id
    answer(held.delete())


def test_refusal_of_graph_reaches_the_learner_in_three_lines(lab: Lab) -> None:
    from akswi_helpers import explain

    held = lab.cloud.graph().applications.by_application_id("nobody")
    refused = explain.attempt(lambda: answer(held.get()))
    assert isinstance(refused, Refused)
    assert refused.code == "Request_ResourceNotFound"
    assert "Resource 'nobody' does not exist" in str(refused)
