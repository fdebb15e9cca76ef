"""Clusters as such: opened once, kept across restarts, closed without a trace."""

from __future__ import annotations

import urllib.error
from pathlib import Path

import pytest

from akswi_helpers.sandbox.cluster.clusters import Clusters, api_for_host
from akswi_helpers.sandbox.tokens import SigningKeys
from tests.sandbox.cluster.api.conftest import SPEC, Client, Host

MAPS = "/api/v1/namespaces/default/configmaps"


def test_cluster_comes_back_on_its_port_with_its_objects_and_tokens(tmp_path: Path) -> None:
    before = Host(tmp_path, tmp_path / "state.sqlite")
    token, port = before.token("admin"), before.cluster.port
    version = Client(before, token)("POST", MAPS, {"metadata": {"name": "kept"}}).body["metadata"]
    before.close()
    after = Host(tmp_path, tmp_path / "state.sqlite")
    try:
        assert after.cluster.port == port
        assert Client(after, token)("GET", f"{MAPS}/kept").body["metadata"] == version
    finally:
        after.close()


def test_watch_from_before_a_restart_is_expired(tmp_path: Path) -> None:
    before = Host(tmp_path, tmp_path / "state.sqlite")
    token = before.token("admin")
    made = Client(before, token)("POST", MAPS, {"metadata": {"name": "a"}}).body
    Client(before, token)("POST", MAPS, {"metadata": {"name": "b"}})
    before.close()
    after = Host(tmp_path, tmp_path / "state.sqlite")
    try:
        version = made["metadata"]["resourceVersion"]
        answer = Client(after, token)("GET", f"{MAPS}?watch=1&resourceVersion={version}")
        assert answer.body["object"]["reason"] == "Expired"
    finally:
        after.close()


def test_closed_cluster_answers_no_more_and_leaves_nothing(tmp_path: Path) -> None:
    host = Host(tmp_path)
    client = Client(host, host.token("admin"))
    assert client("GET", "/version").status == 200
    host.call(lambda: _close(host))
    host.run(host.settled)
    with pytest.raises(urllib.error.URLError):
        client("GET", "/version")
    left = [
        name for name, table in host.world._tables.items() if name.startswith("cluster/") and table
    ]
    assert left == []
    host.close()


def test_cluster_is_found_by_its_name_and_its_issuer(tmp_path: Path) -> None:
    host = Host(tmp_path)
    clusters = host.world.state(Clusters)
    assert clusters.by_issuer(SPEC.issuer_id) is host.cluster
    assert api_for_host(host.world, SPEC.fqdn.upper()) is host.cluster.api
    assert api_for_host(host.world, "other.hcp.westeurope.azmk8s.io") is None
    host.close()


def test_every_fresh_cluster_gives_the_same_names(tmp_path: Path) -> None:
    uids = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        host = Host(tmp_path / name)
        made = Client(host, host.token("admin"))("POST", MAPS, {"metadata": {"generateName": "x-"}})
        uids.append((made.body["metadata"]["name"], made.body["metadata"]["uid"]))
        host.close()
    assert uids[0] == uids[1]


def _close(host: Host) -> None:
    with host.world.transaction():
        host.world.state(Clusters).close(SPEC.resource_id)
    assert host.cluster.issuer_key not in host.world.state(SigningKeys)._keys
