"""The recycle bin: what is deleted signs in no more, what is restored does so again."""

from __future__ import annotations

import os
import signal

import pytest

from akswi_helpers.sandbox import control, process
from tests.sandbox.azure.conftest import Clients
from tests.sandbox.azure.graph_client import Graph, exchanged, refused, signed_in
from tests.sandbox.conftest import Cloud

BIN = "directory/deletedItems"
DAY = 86_400


@pytest.fixture(scope="module")
def graph(cloud: Cloud) -> Graph:
    return Graph(cloud)


class Registered:
    """An application with a principal, a secret and a federated credential."""

    def __init__(self, graph: Graph, name: str) -> None:
        made = graph.application(name, tags=["lab"])
        self.id, self.client = str(made["id"]), str(made["appId"])
        self.principal = str(graph.principal(self.client)["id"])
        self.secret = graph.password(self.id)
        graph.federate(self.id, "app2")


def test_deleted_application_signs_in_no_more_and_restored_it_does(
    graph: Graph, cloud: Cloud
) -> None:
    one = Registered(graph, "Restored")
    assert graph("DELETE", f"applications/{one.id}").status_code == 204
    assert signed_in(cloud, one.client, one.secret).json()["error_codes"] == [700016]
    assert graph("GET", f"servicePrincipals/{one.principal}").status_code == 404
    back = graph("POST", f"{BIN}/{one.id}/restore")
    assert (back.status_code, back.json()["appId"]) == (200, one.client)
    assert back.json()["@odata.type"] == "#microsoft.graph.application"
    assert signed_in(cloud, one.client, one.secret).status_code == 200
    assert exchanged(cloud, one.client).json()["error_codes"] == [90061]  # the credential matched
    assert graph("GET", f"servicePrincipals/{one.principal}").json()["appId"] == one.client


def test_deleted_application_is_listed_until_it_is_purged(graph: Graph) -> None:
    one = Registered(graph, "Purged")
    graph("DELETE", f"applications/{one.id}")
    for listing, id in (("application", one.id), ("servicePrincipal", one.principal)):
        listed = graph("GET", f"{BIN}/microsoft.graph.{listing}").json()["value"]
        assert id in [row["id"] for row in listed if row["deletedDateTime"]]
    assert graph("GET", f"{BIN}/{one.id}").json()["tags"] == ["lab"]
    assert graph("DELETE", f"{BIN}/{one.id}").status_code == 204
    for id in (one.id, one.principal):
        assert refused(graph("GET", f"{BIN}/{id}"))[:2] == (404, "Request_ResourceNotFound")


def test_purged_application_made_again_is_another(graph: Graph) -> None:
    one = Registered(graph, "Again")
    graph("DELETE", f"applications/{one.id}")
    graph("DELETE", f"{BIN}/{one.id}")
    again = Registered(graph, "Again")
    assert {one.id, one.client, one.principal}.isdisjoint({again.id, again.client, again.principal})


def test_bin_forgets_after_thirty_days(graph: Graph, cloud: Cloud) -> None:
    one = Registered(graph, "Forgotten")
    graph("DELETE", f"applications/{one.id}")
    home = cloud.running.home
    control.ask(home, "clock", move=29 * DAY)
    try:
        assert _in_bin(cloud, one.id)
        control.ask(home, "clock", move=1 * DAY)
        assert not _in_bin(cloud, one.id)
    finally:
        control.ask(home, "clock", move=-30 * DAY)


def _in_bin(cloud: Cloud, id: str) -> bool:
    """Asked with a token of the sandbox's own day."""
    form = {"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default"}
    kept = cloud.settings
    form |= {"client_id": kept.client_id, "client_secret": kept.client_secret}
    url = f"https://login.microsoftonline.com/{kept.tenant_id}/oauth2/v2.0/token"
    token = cloud.raw("POST", url, data=form).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    found = cloud.raw("GET", f"https://graph.microsoft.com/v1.0/{BIN}/{id}", headers=headers)
    assert found.status_code in (200, 404)
    return found.status_code == 200


def test_deleted_principal_is_restored_unless_another_took_its_place(graph: Graph) -> None:
    one = Registered(graph, "Replaced")
    graph("DELETE", f"servicePrincipals/{one.principal}")
    other = graph.principal(one.client)["id"]
    assert other != one.principal
    taken = refused(graph("POST", f"{BIN}/{one.principal}/restore"))
    assert taken[:2] == (409, "Request_MultipleObjectsWithSameKeyValue")
    graph("DELETE", f"servicePrincipals/{other}")
    assert graph("POST", f"{BIN}/{one.principal}/restore").json()["id"] == one.principal


def test_principal_of_a_deleted_application_is_not_restored_alone(graph: Graph) -> None:
    one = Registered(graph, "Together")
    graph("DELETE", f"applications/{one.id}")
    reply = graph("POST", f"{BIN}/{one.principal}/restore")
    assert reply.json()["error"]["details"][0]["code"] == "NoBackingApplicationObject"


def test_role_assignment_outlives_its_principal(graph: Graph, azure: Clients) -> None:
    one = Registered(graph, "Orphan")
    scope = azure.group("graph-orphan")
    azure.assign(scope, "acdd72a7-3385-48ef-bd42-f606fba81ae7", one.principal)
    graph("DELETE", f"applications/{one.id}")
    left = azure.roles.role_assignments.list_for_resource_group("graph-orphan")
    assert one.principal in [row.principal_id for row in left]


def test_deleted_objects_of_other_types_are_not_emulated(graph: Graph) -> None:
    assert refused(graph("GET", f"{BIN}/microsoft.graph.group"))[:2] == (501, "NotEmulated")


def test_everything_survives_the_death_of_the_sandbox(graph: Graph, cloud: Cloud) -> None:
    kept, gone = Registered(graph, "Kept"), Registered(graph, "Gone")
    graph("DELETE", f"applications/{gone.id}")
    os.kill(cloud.running.pid, signal.SIGKILL)
    process.ensure(cloud.running.home)
    assert signed_in(cloud, kept.client, kept.secret).status_code == 200
    assert exchanged(cloud, kept.client).json()["error_codes"] == [90061]
    assert graph("POST", f"{BIN}/{gone.id}/restore").status_code == 200
    assert signed_in(cloud, gone.client, gone.secret).status_code == 200
