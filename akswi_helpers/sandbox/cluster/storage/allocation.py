"""Cluster addresses and node ports of Services, from the ranges that AKS uses by default.

An address derives from the Service's name, so that a fresh sandbox gives the same one everywhere;
a taken one moves on to the next.

Source: https://learn.microsoft.com/azure/aks/concepts-network-services (10.0.0.0/16, DNS at
10.0.0.10) and a kube-apiserver 1.37.2. Left out: IPv6, ExternalName without selector rules,
load balancers (a Service of that type keeps waiting for its address).
"""

from __future__ import annotations

import hashlib
import ipaddress
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.refusals import invalid
from akswi_helpers.sandbox.cluster.rules.service_rules import is_address
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.storage.store import Store
    from akswi_helpers.sandbox.cluster.tables.kinds import Kind

SERVICES = ipaddress.ip_network("10.0.0.0/16")
_RESERVED = 256  # the first addresses are for fixed ones: kubernetes .1, DNS .10
_PORTS = range(30000, 32768)


def allocated(store: Store, kind: Kind, draft: Json) -> Json:
    """A new Service with its cluster address and node ports; anything else as it is."""
    if kind.kind != "Service" or kind.group:
        return draft
    spec = dict(draft.get("spec") or {})
    if spec.get("type") != "ExternalName":
        others = [item["spec"] for item in store.list(kind)]
        _address(draft, spec, {ip for other in others for ip in other.get("clusterIPs", [])})
        _ports(draft, spec, _taken_ports(others))
    return {**draft, "spec": spec}


def kept(store: Store, kind: Kind, live: Json, draft: Json) -> Json:
    """A changed Service that keeps the address and ports it leaves out, as the API server does."""
    if kind.kind != "Service" or kind.group:
        return draft
    spec, before = dict(draft.get("spec") or {}), live["spec"]
    if spec.get("type") == before.get("type") or spec.get("type") != "ExternalName":
        for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if not spec.get(field) and before.get(field):
                spec[field] = before[field]
    _forget(spec, before)
    others = [item["spec"] for item in store.list(kind) if item is not live]
    spec["ports"] = _remembered(spec.get("ports") or [], before.get("ports") or [])
    _ports(draft, spec, _taken_ports(others))
    return {**draft, "spec": spec}


def _forget(spec: Json, before: Json) -> None:
    """Drop what only the Service's former type had, unless it was changed on purpose."""
    dependent = {"allocateLoadBalancerNodePorts": spec.get("type") == "LoadBalancer"}
    dependent["externalTrafficPolicy"] = spec.get("type") in ("NodePort", "LoadBalancer") or bool(
        spec.get("externalIPs")
    )
    for field, needed in dependent.items():
        if not needed and spec.get(field) == before.get(field):
            spec.pop(field, None)


def _address(draft: Json, spec: Json, taken: set[str]) -> None:
    asked = spec.get("clusterIP") or (spec.get("clusterIPs") or [""])[0]
    if asked == "None" or (asked and not is_address(asked)):
        address = asked  # what is no address is refused with the rest of the object
    elif asked:
        address = _asked(draft, asked, taken)
    else:
        address = _free(draft, taken)
    spec["clusterIP"], spec["clusterIPs"] = address, [address]


def _asked(draft: Json, asked: str, taken: set[str]) -> str:
    why = ""
    if asked in taken:
        why = "failed to allocate IP " + asked + ": provided IP is already allocated"
    elif ipaddress.ip_address(asked) not in SERVICES:
        why = (
            f"failed to allocate IP {asked}: the provided network does not match the current range"
        )
    if why:
        field, said = "spec.clusterIPs", f'Invalid value: ["{asked}"]: {why}'
        raise invalid(
            "Service", draft["metadata"]["name"], "", [(field, "FieldValueInvalid", said)]
        )
    return asked


def _free(draft: Json, taken: set[str]) -> str:
    at = _number(draft) % (SERVICES.num_addresses - _RESERVED - 1)
    while True:
        address = str(SERVICES[_RESERVED + at])
        if address not in taken:
            return address
        at = (at + 1) % (SERVICES.num_addresses - _RESERVED - 1)


def _ports(draft: Json, spec: Json, taken: set[int]) -> None:
    if spec.get("type") not in ("NodePort", "LoadBalancer"):
        spec["ports"] = [
            {k: v for k, v in port.items() if k != "nodePort"} for port in spec.get("ports") or []
        ]
        if not spec["ports"]:
            del spec["ports"]
        return
    start = _number(draft)
    ports: list[Json] = []
    for port in spec.get("ports") or []:
        number = port.get("nodePort") or _next_port(start, taken)
        _usable(draft, f"spec.ports[{len(ports)}].nodePort", number, taken)
        taken.add(number)
        ports.append({**port, "nodePort": number})
    spec["ports"] = ports


def _usable(draft: Json, field: str, number: int, taken: set[int]) -> None:
    why = ""
    if number not in _PORTS:
        why = "provided port is not in the valid range. The range of valid ports is 30000-32767"
    elif number in taken:
        why = "provided port is already allocated"
    if why:
        cause = (field, "FieldValueInvalid", f"Invalid value: {number}: {why}")
        raise invalid("Service", draft["metadata"]["name"], "", [cause])


def _next_port(start: int, taken: set[int]) -> int:
    return next(
        _PORTS[(start + step) % len(_PORTS)]
        for step in range(len(_PORTS))
        if _PORTS[(start + step) % len(_PORTS)] not in taken
    )


def _remembered(ports: list[Json], before: list[Json]) -> list[Json]:
    known = {(p["port"], p.get("protocol", "TCP")): p.get("nodePort") for p in before}
    return [
        {**port, "nodePort": node}
        if not port.get("nodePort")
        and (node := known.get((port.get("port"), port.get("protocol", "TCP"))))
        else port
        for port in ports
    ]


def _taken_ports(specs: list[Json]) -> set[int]:
    return {p["nodePort"] for spec in specs for p in spec.get("ports") or [] if p.get("nodePort")}


def _number(draft: Json) -> int:
    name = f"{draft['metadata'].get('namespace', '')}/{draft['metadata']['name']}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
