"""Federated identity credentials of applications: life, limits and refusals, over the wire."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.azure.graph_client import AUDIENCE, NOWHERE, SUBJECT, Graph, refused
from tests.sandbox.conftest import Cloud

UNVERIFIED = "[akswi: wording not verified] "
INVALID = "InvalidFederatedIdentityCredentialValue"


@pytest.fixture(scope="module")
def graph(cloud: Cloud) -> Graph:
    return Graph(cloud)


@pytest.fixture
def application(graph: Graph) -> str:
    return str(graph.application("Federated")["id"])


def test_create_credential_answers_201_as_graph_shows_it(graph: Graph, application: str) -> None:
    reply = graph.federate(application, "app2", description="for app 2")
    made = reply.json()
    assert reply.status_code == 201
    assert reply.headers["Location"].endswith(f"/federatedIdentityCredentials/{made['id']}")
    assert made == {
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata"
        f"#applications('{application}')/federatedIdentityCredentials/$entity",
        "id": made["id"],
        "name": "app2",
        "issuer": NOWHERE,
        "subject": SUBJECT,
        "description": "for app 2",
        "audiences": [AUDIENCE],
    }


def test_credential_is_read_changed_and_deleted_by_id_or_name(
    graph: Graph, application: str
) -> None:
    made = graph.federate(application, "app2").json()
    path = f"applications/{application}/federatedIdentityCredentials"
    assert graph("GET", f"{path}/app2").json()["id"] == made["id"]
    assert graph("PATCH", f"{path}/{made['id']}", {"subject": "other"}).status_code == 204
    assert [one["subject"] for one in graph("GET", path).json()["value"]] == ["other"]
    assert graph("DELETE", f"{path}/app2").status_code == 204
    assert graph("GET", path).json()["value"] == []
    assert refused(graph("GET", f"{path}/app2"))[:2] == (404, "Request_ResourceNotFound")


def test_same_name_is_refused_in_graphs_words(graph: Graph, application: str) -> None:
    graph.federate(application, "app2")
    assert refused(graph.federate(application, "app2", subject="another")) == (
        409,
        "Request_MultipleObjectsWithSameKeyValue",
        "FederatedIdentityCredential with name app2 already exists.",
    )


def test_same_issuer_and_subject_are_refused_in_graphs_words(
    graph: Graph, application: str
) -> None:
    graph.federate(application, "app2")
    text = (
        f"The combination of issuer and subject must be unique for the application. Issuer "
        f"{NOWHERE} and Subject: {SUBJECT} already exist. paramName: "
        f"FederatedIdentityCredential.Subject, paramValue: {SUBJECT}, objectType: "
        "Microsoft.Online.DirectoryServices.Application"
    )
    assert refused(graph.federate(application, "second")) == (400, INVALID, text)
    graph.federate(application, "third", subject="another")
    path = f"applications/{application}/federatedIdentityCredentials/third"
    assert refused(graph("PATCH", path, {"subject": SUBJECT})) == (400, INVALID, text)


def test_the_21st_credential_is_refused(graph: Graph, application: str) -> None:
    for number in range(20):
        assert graph.federate(application, f"app{number}", subject=str(number)).status_code == 201
    status, code, text = refused(graph.federate(application, "app20", subject="20"))
    assert (status, code) == (403, "Directory_ObjectSizeExceeded")
    assert text.startswith(UNVERIFIED)


WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"name": "ab"}, 400, INVALID),
    ({"name": "-abc"}, 400, INVALID),
    ({"name": "a b c"}, 400, INVALID),
    ({"name": "a" * 121}, 400, INVALID),
    ({"name": None}, 400, INVALID),
    ({"issuer": ""}, 400, INVALID),
    ({"subject": None}, 400, INVALID),
    ({"subject": "s" * 601}, 400, INVALID),
    ({"issuer": "s" * 601}, 400, INVALID),
    ({"description": "s" * 601}, 400, INVALID),
    ({"audiences": []}, 400, INVALID),
    ({"audiences": ["a", "b"]}, 400, INVALID),
    ({"audiences": "a"}, 400, INVALID),
    ({"audiences": ["s" * 601]}, 400, INVALID),
    ({"colour": "red"}, 400, "Request_BadRequest"),
    ({"claimsMatchingExpression": {"value": "x"}}, 501, "NotEmulated"),
]


@pytest.mark.parametrize(("changes", "status", "code"), WRONG)
def test_create_credential_refuses(
    graph: Graph, application: str, changes: dict[str, Any], status: int, code: str
) -> None:
    found = refused(graph.federate(application, **{"name": "app2", **changes}))
    assert found[:2] == (status, code)
    listed = graph("GET", f"applications/{application}/federatedIdentityCredentials").json()
    assert listed["value"] == []


@pytest.mark.parametrize("name", ["abc", "a" * 120, "1-_"])
def test_shortest_and_longest_names_are_taken(graph: Graph, application: str, name: str) -> None:
    made = graph.federate(application, name, subject="s" * 600)
    assert made.status_code == 201


def test_name_cannot_be_changed(graph: Graph, application: str) -> None:
    graph.federate(application, "app2")
    path = f"applications/{application}/federatedIdentityCredentials/app2"
    assert refused(graph("PATCH", path, {"name": "app3"}))[:2] == (400, "Request_BadRequest")
    assert graph("PATCH", path, {"name": "app2", "description": None}).status_code == 204


def test_credential_of_no_application_is_refused(graph: Graph) -> None:
    absent = "00000000-0000-4000-8000-000000000000"
    assert refused(graph.federate(absent, "app2"))[:2] == (404, "Request_ResourceNotFound")
