"""Services get addresses and ports, keep them, and give them back."""

from __future__ import annotations

import ipaddress

from akswi_helpers.types import Json
from tests.sandbox.cluster.api.conftest import Client

SERVICES = "/api/v1/namespaces/default/services"


def test_service_gets_an_address_and_keeps_it(admin: Client) -> None:
    made = admin("POST", SERVICES, _service("kept")).body
    address = made["spec"]["clusterIP"]
    assert ipaddress.ip_address(address) in ipaddress.ip_network("10.0.0.0/16")
    replaced = admin("PUT", f"{SERVICES}/kept", _service("kept", selector={"a": "b"}))
    assert replaced.body["spec"]["clusterIP"] == address


def test_headless_service_has_none(admin: Client) -> None:
    made = admin("POST", SERVICES, _service("headless", clusterIP="None")).body
    assert made["spec"]["clusterIPs"] == ["None"]


def test_taken_or_foreign_address_is_refused(admin: Client) -> None:
    taken = admin("POST", SERVICES, _service("thief", clusterIP="10.0.0.1"))
    assert taken.status == 422
    assert "provided IP is already allocated" in taken.body["message"]
    foreign = admin("POST", SERVICES, _service("far", clusterIP="192.168.0.1"))
    assert "the provided network does not match the current range" in foreign.body["message"]


def test_node_port_is_given_and_taken_back(admin: Client) -> None:
    made = admin("POST", SERVICES, _service("ported", type="NodePort")).body
    assert 30000 <= made["spec"]["ports"][0]["nodePort"] < 32768
    patch = {"spec": {"type": "ClusterIP"}}
    kind = "application/merge-patch+json"
    changed = admin("PATCH", f"{SERVICES}/ported", patch, content_type=kind).body
    assert "nodePort" not in changed["spec"]["ports"][0]


def test_node_port_outside_its_range_is_refused(admin: Client) -> None:
    ports = [{"port": 80, "nodePort": 80}]
    answer = admin("POST", SERVICES, _service("low", type="NodePort", ports=ports))
    assert answer.status == 422
    assert "The range of valid ports is 30000-32767" in answer.body["message"]


def _service(name: str, **spec: object) -> Json:
    head: Json = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}}
    return {**head, "spec": {"ports": [{"port": 80}], **spec}}
