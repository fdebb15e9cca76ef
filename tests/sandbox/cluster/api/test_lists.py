"""Lists over the wire: pages that hold still, selectors, versions, forms."""

from __future__ import annotations

import urllib.parse

import pytest

from tests.sandbox.cluster.api.conftest import Client

MAPS = "/api/v1/namespaces/pages/configmaps"
NAMES = ["a", "b", "c", "d", "e"]


@pytest.fixture(scope="module", autouse=True)
def pages(admin: Client) -> None:
    """Five config maps in a namespace of their own."""
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "pages"}}
    admin("POST", "/api/v1/namespaces", space)
    for number, name in enumerate(NAMES):
        labels = {"even": str(number % 2 == 0).lower(), "number": str(number)}
        admin("POST", MAPS, {"metadata": {"name": name, "labels": labels}})


def test_pages_show_the_cluster_as_it_was_at_the_first(admin: Client) -> None:
    first = admin("GET", f"{MAPS}?limit=2&labelSelector=even").body
    admin("DELETE", f"{MAPS}/d")
    token = urllib.parse.quote(first["metadata"]["continue"])
    rest = admin("GET", f"{MAPS}?limit=9&labelSelector=even&continue={token}").body
    names = [item["metadata"]["name"] for item in first["items"] + rest["items"]]
    assert names == NAMES
    assert rest["metadata"] == {"resourceVersion": first["metadata"]["resourceVersion"]}
    admin("POST", MAPS, {"metadata": {"name": "d", "labels": {"even": "false", "number": "3"}}})


def test_first_page_counts_what_is_left(admin: Client) -> None:
    every = len(admin("GET", MAPS).body["items"])
    first = admin("GET", f"{MAPS}?limit=2").body
    assert first["metadata"]["remainingItemCount"] == every - 2


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("labelSelector=even=true", "ace"),
        ("labelSelector=even!=true,even", "bd"),
        ("labelSelector=number in (1,2)", "bc"),
        ("labelSelector=number notin (1,2),even", "ade"),
        ("labelSelector=number>2", "de"),
        ("labelSelector=!even,nope", ""),
        ("fieldSelector=metadata.name=b", "b"),
        ("fieldSelector=metadata.name!=b,metadata.namespace=pages&labelSelector=even", "acde"),
    ],
)
def test_selectors_keep(admin: Client, selector: str, names: str) -> None:
    name, _, value = selector.partition("=")
    query = urllib.parse.quote(value, safe="&=")
    items = admin("GET", f"{MAPS}?{name}={query}").body["items"]
    assert "".join(item["metadata"]["name"] for item in items) == names


def test_unknown_field_of_a_selector_is_refused(admin: Client) -> None:
    assert admin("GET", f"{MAPS}?fieldSelector=data.x=3").body["message"] == (
        '"data.x" is not a known field selector: only "metadata.name", "metadata.namespace"'
    )
    answer = admin("GET", "/api/v1/namespaces/pages/pods?fieldSelector=spec.foo=3")
    assert answer.body["message"] == "field label not supported: spec.foo"


def test_list_as_metadata_only(admin: Client) -> None:
    accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
    body = admin("GET", MAPS, accept=accept).body
    assert body["kind"] == "PartialObjectMetadataList"
    assert {tuple(item) for item in body["items"]} == {("kind", "apiVersion", "metadata")}


def test_list_from_the_future_is_refused(admin: Client) -> None:
    answer = admin("GET", f"{MAPS}?resourceVersion=99999999&resourceVersionMatch=NotOlderThan")
    assert answer.status == 504
    assert answer.headers["retry-after"] == "1"


def test_delete_collection_takes_what_the_selector_keeps(admin: Client) -> None:
    for name in ("x", "y"):
        admin("POST", MAPS, {"metadata": {"name": name, "labels": {"gone": "soon"}}})
    assert admin("DELETE", f"{MAPS}?labelSelector=gone").body["kind"] == "ConfigMapList"
    assert admin("GET", f"{MAPS}?labelSelector=gone").body["items"] == []
