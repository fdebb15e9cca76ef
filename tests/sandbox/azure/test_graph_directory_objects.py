"""Objects of the directory by their ids, as az asks for the names of role holders."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.azure.conftest import NOT_VERIFIED, Clients
from tests.sandbox.azure.graph_client import Graph, refused
from tests.sandbox.conftest import Cloud

ABSENT = "00000000-0000-4000-8000-000000000000"
BY_AZ = ["user", "group", "servicePrincipal", "directoryObjectPartnerReference"]


@pytest.fixture(scope="module")
def graph(cloud: Cloud) -> Graph:
    return Graph(cloud)


def names(graph: Graph, **body: Any) -> list[tuple[str, str]]:
    reply = graph("POST", "directoryObjects/getByIds", body)
    assert reply.status_code == 200, reply.text
    return [(one["@odata.type"].rpartition(".")[2], one["id"]) for one in reply.json()["value"]]


def test_get_by_ids_finds_principals_and_leaves_out_nobodys(graph: Graph, azure: Clients) -> None:
    azure.group("ids")
    body: Any = {"location": "westeurope"}
    identity = azure.identities.user_assigned_identities.create_or_update("ids", "id-one", body)
    mine, its = azure.me, str(identity.principal_id)
    found = names(graph, ids=[mine, ABSENT, its], types=BY_AZ)
    assert found == [("servicePrincipal", mine), ("servicePrincipal", its)]


def test_get_by_ids_finds_only_the_types_that_are_named(graph: Graph) -> None:
    made = graph.application("Typed")
    assert names(graph, ids=[made["id"]]) == [("application", made["id"])]
    assert names(graph, ids=[made["id"]], types=["directoryObject"]) == [
        ("application", made["id"])
    ]
    assert names(graph, ids=[made["id"]], types=["servicePrincipal"]) == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"ids": []}, 400, "Request_BadRequest"),
        ({"ids": [ABSENT] * 1001}, 400, "Request_BadRequest"),
        ({"ids": ABSENT}, 400, "Request_BadRequest"),
        ({"ids": [ABSENT], "types": ["robot"]}, 400, "Request_BadRequest"),
        ({"ids": [ABSENT], "more": 1}, 501, "NotEmulated"),
    ],
)
def test_get_by_ids_refuses_what_it_cannot_mean(
    graph: Graph, body: Any, status: int, code: str
) -> None:
    found = refused(graph("POST", "directoryObjects/getByIds", body))
    assert found[:2] == (status, code)
    assert code == "NotEmulated" or found[2].startswith(NOT_VERIFIED)
