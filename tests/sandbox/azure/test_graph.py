"""Microsoft Graph over the wire: applications, service principals, passwords, who may."""

from __future__ import annotations

from typing import Any

import pytest

from akswi_helpers.sandbox import control
from tests.sandbox.azure.conftest import Arm, Clients
from tests.sandbox.azure.graph_client import NOWHERE, Graph, exchanged, refused, signed_in
from tests.sandbox.conftest import Cloud

UNVERIFIED = "[akswi: wording not verified] "
ABSENT = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def graph(cloud: Cloud) -> Graph:
    return Graph(cloud)


# Applications


def test_create_application_answers_201_with_graphs_headers_and_defaults(graph: Graph) -> None:
    reply = graph("POST", "applications", {"displayName": "AksWiApp2", "keyCredentials": []})
    made = reply.json()
    assert reply.status_code == 201
    assert reply.headers["Location"].endswith(
        f"/directoryObjects/{made['id']}/Microsoft.DirectoryServices.Application"
    )
    assert reply.headers["content-type"].startswith("application/json;odata.metadata=minimal")
    assert reply.headers["odata-version"] == "4.0"
    assert (made["signInAudience"], made["passwordCredentials"]) == ("AzureADMyOrg", [])
    assert made["@odata.context"].endswith("/v1.0/$metadata#applications/$entity")


def test_two_applications_may_have_one_name_and_never_share_an_id(graph: Graph) -> None:
    one, two = graph.application("Twin"), graph.application("Twin")
    assert len({one["id"], two["id"], one["appId"], two["appId"]}) == 4
    assert len(graph.found("applications", "displayName eq 'twin'")) == 2


def test_application_is_found_by_id_by_client_id_and_in_beta(graph: Graph) -> None:
    made = graph.application("Findable")
    by_client = graph("GET", f"applications(appId='{made['appId']}')").json()
    beta = graph("GET", f"applications/{made['id']}", version="beta").json()
    assert by_client["id"] == beta["id"] == made["id"]
    assert "/beta/" in beta["@odata.context"]


FILTERS = [
    ("displayName eq 'O''Brien'", True),
    ("startswith(displayName,'o''b')", True),
    ("startswith(displayName,'Brien')", False),
    ("tags/any(t:t eq 'akswi-lab=one')", True),
    ("tags/any(t:t eq 'akswi-lab')", False),
    ("tags/any(t:t eq 'akswi-lab=one') and displayName eq 'O''Brien'", True),
    ("tags/any(t:t eq 'akswi-lab=one') and displayName eq 'Other'", False),
]


@pytest.mark.parametrize(("text", "fits"), FILTERS)
def test_filter_selects_applications(graph: Graph, text: str, fits: bool) -> None:
    if not graph.found("applications", "displayName eq 'O''Brien'"):
        graph.application("O'Brien", tags=["akswi-lab=one"])
    names = [one["displayName"] for one in graph.found("applications", text)]
    assert ("O'Brien" in names) is fits


@pytest.mark.parametrize(
    "query",
    [
        "$filter=displayName ne 'x'",
        "$filter=displayName eq 'x' or appId eq 'y'",
        "$filter=notes eq 'x'",
        "$filter=displayName eq 'x",
        '$search="displayName:x"',
        "$count=true",
        "$orderby=displayName",
        "$expand=owners",
    ],
)
def test_query_that_is_not_emulated_is_refused_not_ignored(graph: Graph, query: str) -> None:
    status, code, text = refused(graph("GET", f"applications?{query}"))
    assert (status, code) == (501, "NotEmulated")
    assert query.partition("=")[0 if "filter" not in query else 2] in text


def test_select_shows_those_properties_alone(graph: Graph) -> None:
    made = graph.application("Selected")
    one = graph("GET", f"applications/{made['id']}?$select=appId,displayName").json()
    assert set(one) == {"@odata.context", "appId", "displayName"}
    assert refused(graph("GET", "applications?$select=colour"))[:2] == (400, "Request_BadRequest")


def test_pages_lead_through_every_application_once(graph: Graph) -> None:
    for number in range(3):
        graph.application(f"Paged {number}")
    where, seen = "applications?$top=2&$filter=startswith(displayName,'Paged')", []
    while where:
        body = graph("GET", where).json()
        seen += [one["displayName"] for one in body["value"]]
        where = body.get("@odata.nextLink", "").partition("/v1.0/")[2]
    assert seen == ["Paged 0", "Paged 1", "Paged 2"]


def test_update_application_answers_204_and_renames_its_principal(graph: Graph) -> None:
    made = graph.application("Old name")
    principal = graph.principal(made["appId"])
    change = {"displayName": "New name", "tags": ["a"]}
    assert graph("PATCH", f"applications/{made['id']}", change).status_code == 204
    assert graph("GET", f"applications/{made['id']}").json()["tags"] == ["a"]
    shown = graph("GET", f"servicePrincipals/{principal['id']}").json()
    assert (shown["displayName"], shown["appDisplayName"]) == ("New name", "New name")


WRONG_BODIES: list[tuple[dict[str, Any], int, str]] = [
    ({"tags": []}, 400, "Request_BadRequest"),
    ({"displayName": ""}, 400, "Request_BadRequest"),
    ({"displayName": "x" * 257}, 400, "Request_BadRequest"),
    ({"displayName": "x", "colour": "red"}, 400, "Request_BadRequest"),
    ({"displayName": "x", "appId": ABSENT}, 400, "Request_BadRequest"),
    ({"displayName": "x", "tags": "lab"}, 400, "Request_BadRequest"),
    ({"displayName": "x", "tags": [1]}, 400, "Request_BadRequest"),
    ({"displayName": "x", "signInAudience": "Everybody"}, 400, "Request_BadRequest"),
    ({"displayName": "x", "web": {"redirectUris": ["https://x"]}}, 501, "NotEmulated"),
    ({"displayName": "x", "keyCredentials": [{"type": "X"}]}, 501, "NotEmulated"),
    ({"displayName": "x", "identifierUris": ["api://x"]}, 501, "NotEmulated"),
]


@pytest.mark.parametrize(("body", "status", "code"), WRONG_BODIES)
def test_create_application_refuses(
    graph: Graph, body: dict[str, Any], status: int, code: str
) -> None:
    found = refused(graph("POST", "applications", body))
    assert found[:2] == (status, code)
    assert found[2].startswith(UNVERIFIED) is (status == 400)


def test_missing_application_is_refused_in_graphs_words_and_envelope(graph: Graph) -> None:
    reply = graph("GET", f"applications/{ABSENT}", headers={"client-request-id": "mine"})
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (404, "Request_ResourceNotFound")
    assert error["message"] == (
        f"Resource '{ABSENT}' does not exist or one of its queried reference-property objects are "
        "not present."
    )
    assert error["innerError"]["client-request-id"] == "mine" == reply.headers["client-request-id"]
    assert error["innerError"]["request-id"] == reply.headers["request-id"]
    assert reply.headers["content-type"] == "application/json"


def test_what_graph_has_besides_is_not_emulated(graph: Graph) -> None:
    assert refused(graph("GET", "users"))[:2] == (501, "NotEmulated")
    assert refused(graph("GET", "applications", version="v2.0"))[:2] == (400, "BadRequest")


UNREADABLE = "Unable to read JSON request payload."
JSON_TYPE = "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("raw", "kind", "text"),
    [
        ("{", JSON_TYPE, UNREADABLE),
        ("[]", JSON_TYPE, UNREADABLE),
        ("", JSON_TYPE, UNREADABLE),
        ("{}", JSON_TYPE, "Empty Payload. JSON content expected."),
        ("{}", "text/plain", "Entity only allows writes with a JSON Content-Type header."),
        ("{}", "", "Write requests (excluding DELETE) must contain the Content-Type header"),
    ],
)
def test_body_that_is_not_json_is_refused_in_graphs_words(
    graph: Graph, raw: str, kind: str, text: str
) -> None:
    headers = {"content-type": kind} if kind else {}
    status, code, said = refused(graph("POST", "applications", raw=raw, headers=headers))
    assert (status, code) == (400, "BadRequest")
    assert said.startswith(text)


# Who may


def test_other_audience_is_refused(graph: Graph, cloud: Cloud) -> None:
    headers = {"authorization": f"Bearer {cloud.token()}"}
    reply = graph("GET", "applications", headers=headers)
    text = "Access token validation failure. Invalid audience."
    assert refused(reply) == (401, "InvalidAuthenticationToken", text)
    assert "authorization_uri" in reply.headers["WWW-Authenticate"]


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer a.b.c", "Bearer x", "Basic x"])
def test_request_without_a_valid_token_is_refused(graph: Graph, header: str) -> None:
    reply = graph("GET", "applications", headers={"authorization": header})
    assert refused(reply)[:2] == (401, "InvalidAuthenticationToken")


def test_application_of_ones_own_may_neither_read_nor_write(graph: Graph, cloud: Cloud) -> None:
    made = graph.application("Unprivileged")
    graph.principal(made["appId"])
    token = signed_in(cloud, made["appId"], graph.password(made["id"]), "graph.microsoft.com")
    headers = {"authorization": f"Bearer {token.json()['access_token']}"}
    wanted = (403, "Authorization_RequestDenied")
    text = "Insufficient privileges to complete the operation."
    assert refused(graph("GET", "applications", headers=headers)) == (*wanted, text)
    write = graph("DELETE", f"applications/{made['id']}", headers=headers)
    assert refused(write) == (*wanted, text)


def test_me_is_refused_to_an_application(graph: Graph) -> None:
    text = "/me request is only valid with delegated authentication flow."
    assert refused(graph("GET", "me")) == (400, "BadRequest", text)
    assert refused(graph("GET", "me/ownedObjects")) == (400, "BadRequest", text)


# Service principals


def test_create_principal_answers_201_once_then_409(graph: Graph) -> None:
    client = graph.application("With principal")["appId"]
    reply = graph("POST", "servicePrincipals", {"appId": client, "accountEnabled": True})
    made = reply.json()
    assert (reply.status_code, made["servicePrincipalNames"]) == (201, [client])
    assert (made["servicePrincipalType"], made["displayName"]) == ("Application", "With principal")
    again = refused(graph("POST", "servicePrincipals", {"appId": client}))
    assert again[:2] == (409, "Request_MultipleObjectsWithSameKeyValue")


def test_principal_of_no_application_is_refused(graph: Graph) -> None:
    reply = graph("POST", "servicePrincipals", {"appId": ABSENT})
    error = reply.json()["error"]
    assert error["message"] == (
        f"The appId '{ABSENT}' of the service principal does not reference a valid application "
        "object."
    )
    assert error["details"][0]["code"] == "NoBackingApplicationObject"


def test_disabled_principal_is_not_emulated(graph: Graph) -> None:
    client = graph.application("Disabled")["appId"]
    body = {"appId": client, "accountEnabled": False}
    assert refused(graph("POST", "servicePrincipals", body))[:2] == (501, "NotEmulated")


def test_principal_is_found_by_its_name(graph: Graph) -> None:
    client = graph.application("Named")["appId"]
    made = graph.principal(client)
    by_name = graph.found("servicePrincipals", f"servicePrincipalNames/any(c:c eq '{client}')")
    assert [one["id"] for one in by_name] == [made["id"]]
    assert graph("GET", f"servicePrincipals(appId='{client}')").json()["id"] == made["id"]


def test_managed_identity_is_shown_and_cannot_be_changed(graph: Graph, azure: Clients) -> None:
    azure.group("graph-ids")
    body: Any = {"location": "westeurope"}
    made = azure.identities.user_assigned_identities.create_or_update("graph-ids", "id-seen", body)
    shown = graph("GET", f"servicePrincipals/{made.principal_id}").json()
    assert (shown["servicePrincipalType"], shown["appId"]) == ("ManagedIdentity", made.client_id)
    assert shown["alternativeNames"] == ["isExplicit=True", made.id]
    gone = refused(graph("DELETE", f"servicePrincipals/{made.principal_id}"))
    assert gone[:2] == (403, "Authorization_RequestDenied")


def test_deployer_is_shown_and_cannot_be_changed(graph: Graph, cloud: Cloud) -> None:
    client = cloud.settings.client_id
    principal = graph("GET", f"servicePrincipals(appId='{client}')").json()
    application = graph("GET", f"applications(appId='{client}')").json()
    assert principal["displayName"] == application["displayName"] == "akswi-deployer"
    for path in (f"servicePrincipals/{principal['id']}", f"applications/{application['id']}"):
        assert refused(graph("DELETE", path))[:2] == (501, "NotEmulated")


def test_principal_can_be_given_a_role(graph: Graph, azure: Clients, arm: Arm) -> None:
    principal = graph.principal(graph.application("Reader")["appId"])
    reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
    scope = azure.group("graph-roles")
    assert azure.assign(scope, reader, principal["id"]).principal_id == principal["id"]


# Passwords


def test_password_is_shown_once_and_signs_in(graph: Graph, cloud: Cloud) -> None:
    made = graph.application("Secretive")
    graph.principal(made["appId"])
    body = {"passwordCredential": {"displayName": "rbac"}}
    added = graph("POST", f"applications/{made['id']}/addPassword", body).json()
    shown = graph("GET", f"applications/{made['id']}").json()["passwordCredentials"]
    assert len(added["secretText"]) == 40
    assert (shown[0]["hint"], shown[0]["secretText"]) == (added["secretText"][:3], None)
    assert signed_in(cloud, made["appId"], added["secretText"]).status_code == 200


def test_password_added_before_the_principal_signs_in_after_it(graph: Graph, cloud: Cloud) -> None:
    made = graph.application("In this order")
    secret = graph.password(made["id"])
    assert signed_in(cloud, made["appId"], secret).json()["error_codes"] == [700016]
    graph.principal(made["appId"])
    assert signed_in(cloud, made["appId"], secret).status_code == 200


def test_removed_password_is_refused_and_another_goes_on(graph: Graph, cloud: Cloud) -> None:
    made = graph.application("Rotated")
    graph.principal(made["appId"])
    path = f"applications/{made['id']}"
    old, new = (graph("POST", f"{path}/addPassword", {}).json() for _ in "ab")
    removed = graph("POST", f"{path}/removePassword", {"keyId": old["keyId"]})
    assert removed.status_code == 204
    assert signed_in(cloud, made["appId"], old["secretText"]).json()["error_codes"] == [7000215]
    assert signed_in(cloud, made["appId"], new["secretText"]).status_code == 200
    again = graph("POST", f"{path}/removePassword", {"keyId": old["keyId"]})
    assert refused(again)[0] == 400


def test_expired_password_is_refused(graph: Graph, cloud: Cloud) -> None:
    made = graph.application("Expired")
    graph.principal(made["appId"])
    times = {"startDateTime": "2020-01-01T00:00:00.1234567Z", "endDateTime": "2021-01-01T00:00:00Z"}
    path = f"applications/{made['id']}/addPassword"
    added = graph("POST", path, {"passwordCredential": times}).json()
    answer = signed_in(cloud, made["appId"], added["secretText"])
    assert (answer.status_code, answer.json()["error_codes"]) == (401, [7000222])


def test_password_whose_time_has_not_come_is_refused(graph: Graph, cloud: Cloud) -> None:
    made = graph.application("Early")
    graph.principal(made["appId"])
    body = {"passwordCredential": {"startDateTime": "2099-01-01T00:00:00Z"}}
    added = graph("POST", f"applications/{made['id']}/addPassword", body).json()
    assert signed_in(cloud, made["appId"], added["secretText"]).json()["error_codes"] == [7000215]


@pytest.mark.parametrize(
    "asked",
    [
        {"startDateTime": "2021-01-01T00:00:00Z", "endDateTime": "2020-01-01T00:00:00Z"},
        {"endDateTime": "tomorrow"},
    ],
)
def test_password_with_impossible_times_is_refused(graph: Graph, asked: Any) -> None:
    made = graph.application("Impossible")
    reply = graph("POST", f"applications/{made['id']}/addPassword", {"passwordCredential": asked})
    assert refused(reply)[:2] == (400, "Request_BadRequest")


def test_state_file_and_log_hold_no_secret(graph: Graph, cloud: Cloud) -> None:
    made = graph.application("Quiet")
    secret = graph.password(made["id"]).encode()
    graph("GET", f"applications/{made['id']}")
    control.ask(cloud.running.home, "status")
    kept = [one for one in (cloud.running.home / "sandbox").rglob("*") if one.is_file()]
    assert kept
    assert not [one.name for one in kept if secret in one.read_bytes()]


# Federated sign-in


def test_exchange_is_refused_until_a_credential_matches(graph: Graph, cloud: Cloud) -> None:
    made = graph.application("AksWiApp2 wire")
    graph.principal(made["appId"])
    none = exchanged(cloud, made["appId"]).json()
    assert none["error_codes"] == [70025]
    assert (
        f"The client '{made['appId']}'(AksWiApp2 wire) has no configured"
        in (none["error_description"])
    )
    graph.federate(made["id"], "app2", issuer="https://elsewhere.example/")
    assert exchanged(cloud, made["appId"]).json()["error_codes"] == [700211]
    path = f"applications/{made['id']}/federatedIdentityCredentials/app2"
    graph("PATCH", path, {"issuer": NOWHERE, "subject": "system:serviceaccount:app2:OTHER"})
    assert exchanged(cloud, made["appId"]).json()["error_codes"] == [700213]
    graph("PATCH", path, {"subject": "system:serviceaccount:app2:app2"})
    assert exchanged(cloud, made["appId"]).json()["error_codes"] == [90061]
    graph("DELETE", path)
    assert exchanged(cloud, made["appId"]).json()["error_codes"] == [70025]
