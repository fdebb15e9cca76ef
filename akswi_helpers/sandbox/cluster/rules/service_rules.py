"""Rules for Services.

Source: 422 Status bodies of a kube-apiserver 1.37.2 and the validation in its published source.
Left out: dual stack, load balancer classes and source ranges.
"""

from __future__ import annotations

import ipaddress

from akswi_helpers.sandbox.cluster.rules import names
from akswi_helpers.sandbox.cluster.rules.container_rules import port_number, port_or_name, protocol
from akswi_helpers.sandbox.cluster.rules.field_errors import (
    FieldError,
    duplicate,
    each,
    forbidden,
    invalid,
    required,
    unsupported,
)
from akswi_helpers.sandbox.cluster.rules.metadata_rules import labels
from akswi_helpers.types import Json

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_AFFINITIES = ("ClientIP", "None")
_POLICIES = ("Cluster", "Local")
_FAMILIES = ("IPv4", "IPv6")
_FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
_NAMELESS: Json = {  # how the real server prints a port of its own making
    "Name": "",
    "Protocol": "",
    "AppProtocol": None,
    "Port": 0,
    "TargetPort": 0,
    "NodePort": 0,
}


def service(obj: Json) -> list[FieldError]:
    """What is wrong with a Service."""
    spec = obj["spec"]
    kind, headless = spec.get("type", ""), spec.get("clusterIP") == "None"
    errors = []
    if not spec.get("ports") and not headless and kind != "ExternalName":
        errors.append(required("spec.ports"))
    if headless and kind in ("LoadBalancer", "NodePort"):
        why = f"may not be set to 'None' for {kind} services"
        errors.append(invalid("spec.clusterIPs[0]", "None", why))
    if kind == "ExternalName":
        errors += _external(spec)
    errors += _ports(spec.get("ports") or [])
    errors += labels(spec.get("selector"), "spec.selector")
    affinity = spec.get("sessionAffinity", "")
    if affinity not in _AFFINITIES:
        errors.append(unsupported("spec.sessionAffinity", affinity, _AFFINITIES))
    if kind not in _TYPES:
        errors.append(unsupported("spec.type", kind, _TYPES))
    return errors + _addresses(spec) + _families(spec) + _duplicates(spec) + _bound_to_type(spec)


def address_kept(new: Json, old: Json) -> list[FieldError]:
    """A cluster address stays while the Service has one."""
    after, before = new["spec"], old["spec"]
    if "ExternalName" in (after.get("type"), before.get("type")):
        return []
    given, had = after.get("clusterIPs") or [], before.get("clusterIPs") or []
    single = after.get("clusterIP") or ""
    if single and single != before.get("clusterIP") and given == had:
        given = [single]  # a client that knows only the one field changed it
    if given[:1] == had[:1] or not had:
        return []
    return [invalid("spec.clusterIPs[0]", given, "may not change once set")]


def _addresses(spec: Json) -> list[FieldError]:
    errors = []
    for at, address in each("spec.clusterIPs", spec.get("clusterIPs") or [spec.get("clusterIP")]):
        if address not in ("None", "", None) and not is_address(address):
            why = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
            errors.append(invalid(at, address, why))
    return errors


def _families(spec: Json) -> list[FieldError]:
    policy, errors = spec.get("ipFamilyPolicy"), list[FieldError]()
    if policy is not None and policy not in _FAMILY_POLICIES:
        errors.append(unsupported("spec.ipFamilyPolicy", policy, _FAMILY_POLICIES))
    for at, family in each("spec.ipFamilies", spec.get("ipFamilies")):
        if family not in _FAMILIES:
            errors.append(unsupported(at, family, _FAMILIES))
    return errors


def is_address(text: str) -> bool:
    """Whether the text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _external(spec: Json) -> list[FieldError]:
    name = spec.get("externalName", "").removesuffix(".")
    if not name:
        return [required("spec.externalName")]
    return [invalid("spec.externalName", name, why) for why in names.subdomain(name)]


def _ports(found: list[Json]) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for at, port in each("spec.ports", found):
        name = port.get("name", "")
        if name:
            errors += [invalid(f"{at}.name", name, why) for why in names.label(name)]
            if name in seen:
                errors.append(duplicate(f"{at}.name", name))
            seen.add(name)
        elif len(found) > 1:
            errors.append(required(f"{at}.name"))
        errors += port_number(port.get("port", 0), f"{at}.port")
        errors += protocol(port.get("protocol", ""), f"{at}.protocol")
        errors += port_or_name(port.get("targetPort", 0), f"{at}.targetPort")
    return errors


def _duplicates(spec: Json) -> list[FieldError]:
    errors: list[FieldError] = []
    numbers: set[tuple[str, int]] = set()
    nodes: set[tuple[str, int]] = set()
    for at, port in each("spec.ports", spec.get("ports")):
        transport, node = port.get("protocol", ""), port.get("nodePort", 0)
        if node and spec.get("type") == "ClusterIP":
            why = "may not be used when `type` is 'ClusterIP'"
            errors.append(forbidden(f"{at}.nodePort", why))
        if node and (transport, node) in nodes:
            errors.append(duplicate(f"{at}.nodePort", node))
        nodes.add((transport, node))
    for at, port in each("spec.ports", spec.get("ports")):
        key = (port.get("protocol", ""), port.get("port", 0))
        if key in numbers:
            errors.append(duplicate(at, {**_NAMELESS, "Protocol": key[0], "Port": key[1]}))
        numbers.add(key)
    return errors


def _bound_to_type(spec: Json) -> list[FieldError]:
    kind, policy = spec.get("type"), spec.get("externalTrafficPolicy", "")
    errors = []
    balanced = kind == "LoadBalancer"
    if spec.get("allocateLoadBalancerNodePorts") is not None and not balanced:
        why = "may only be used when `type` is 'LoadBalancer'"
        errors.append(forbidden("spec.allocateLoadBalancerNodePorts", why))
    reachable = kind in ("NodePort", "LoadBalancer") or bool(spec.get("externalIPs"))
    at = "spec.externalTrafficPolicy"
    if policy and not reachable:
        why = "may only be set for externally-accessible services"
        errors.append(invalid(at, policy, why))
    elif policy and policy not in _POLICIES:
        errors.append(unsupported(at, policy, _POLICIES))
    inside = spec.get("internalTrafficPolicy")
    if inside is not None and inside not in _POLICIES:
        errors.append(unsupported("spec.internalTrafficPolicy", inside, _POLICIES))
    return errors
