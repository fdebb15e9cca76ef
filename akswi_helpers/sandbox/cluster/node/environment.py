"""The environment of a container: services, envFrom, env, and $(VAR) in values and commands.

    of(cluster, pod, container)  ->  {"KEYVAULT_NAME": "kv-app1", …}

Source: kubernetes pkg/kubelet/kubelet_pods.go and third_party/forked/golang/expansion.
Left out: resourceFieldRef and fileKeyRef (refused by name).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.node import downward
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

_REFERENCE = re.compile(r"\$\$|\$\(([^)]*)\)")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FQDN = "kubernetes.azure.com/set-kube-service-host-fqdn"


class ConfigError(Exception):
    """The container cannot be made (CreateContainerConfigError): why, in the kubelet's words."""


def of(cluster: Cluster, pod: Json, container: Json) -> dict[str, str]:
    """Every variable that the container declares or is owed. Raises ConfigError."""
    namespace = pod["metadata"]["namespace"]
    found = {"PATH": _PATH, "HOSTNAME": _host(pod), "HOME": "/"}
    declared = _services(cluster, pod)
    for source in container.get("envFrom") or []:
        declared |= _all_of(cluster, namespace, source)
    for item in container.get("env") or []:
        value = _value(cluster, pod, item, declared)
        if value is not None:
            declared[item["name"]] = value
    return found | declared


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`text` with $(NAME) replaced where the name is known; $$ is one dollar sign."""

    def replace(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return variables.get(match[1], match[0])

    return _REFERENCE.sub(replace, text)


def command(container: Json, variables: Mapping[str, str]) -> tuple[str, ...]:
    """The command line: command and args, expanded; empty when the image decides."""
    words = [*(container.get("command") or []), *(container.get("args") or [])]
    return tuple(expand(word, variables) for word in words)


def _host(pod: Json) -> str:
    return str(pod["spec"].get("hostname") or pod["metadata"]["name"])[:63]


def _value(cluster: Cluster, pod: Json, item: Json, known: Mapping[str, str]) -> str | None:
    source = item.get("valueFrom")
    if not source:
        return expand(item.get("value", ""), known)
    namespace = pod["metadata"]["namespace"]
    if chosen := source.get("fieldRef"):
        try:
            return downward.field(pod, chosen["fieldPath"])
        except downward.NoFieldError as error:
            raise ConfigError(str(error)) from error
    for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
        if chosen := source.get(field):
            return _key(cluster, namespace, kind, chosen)
    raise ConfigError(f"the sandbox does not emulate {', '.join(source)} of {item['name']}")


def _key(cluster: Cluster, namespace: str, kind: str, chosen: Json) -> str | None:
    data = _data(cluster, namespace, kind, chosen)
    if data is not None and chosen["key"] in data:
        return data[chosen["key"]]
    if chosen.get("optional"):
        return None
    raise ConfigError(f"couldn't find key {chosen['key']} in {kind} {namespace}/{chosen['name']}")


def _all_of(cluster: Cluster, namespace: str, source: Json) -> dict[str, str]:
    prefix = source.get("prefix", "")
    for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
        if chosen := source.get(field):
            data = _data(cluster, namespace, kind, chosen) or {}
            return {prefix + key: value for key, value in data.items()}
    return {}


def _data(cluster: Cluster, namespace: str, kind: str, chosen: Json) -> dict[str, str] | None:
    found = cluster.store.get(cluster.kind("v1", kind), namespace, chosen["name"])
    if found is None:
        if chosen.get("optional"):
            return None
        raise ConfigError(f'{kind.lower()} "{chosen["name"]}" not found')
    data = found.get("data") or {}
    if kind == "ConfigMap":
        return dict(data)
    return {key: base64.b64decode(text).decode("utf-8", "replace") for key, text in data.items()}


def _services(cluster: Cluster, pod: Json) -> dict[str, str]:
    """HOST and PORT of the cluster's API and of the Services beside the pod."""
    services = cluster.kind("v1", "Service")
    found: dict[str, str] = {}
    if pod["spec"].get("enableServiceLinks", True):
        for service in cluster.store.list(services, pod["metadata"]["namespace"]):
            found |= _variables(service)
    api = cluster.store.get(services, "default", "kubernetes")
    if api is not None:
        found |= _variables(api)
    if (pod["metadata"].get("annotations") or {}).get(_FQDN) == "true":
        found["KUBERNETES_SERVICE_HOST"] = cluster.spec.fqdn
    return found


def _variables(service: Json) -> dict[str, str]:
    address, ports = service["spec"].get("clusterIP"), service["spec"].get("ports") or []
    if not address or address == "None" or not ports:
        return {}
    prefix = service["metadata"]["name"].upper().replace("-", "_")
    first = ports[0]
    found = {f"{prefix}_SERVICE_HOST": address, f"{prefix}_SERVICE_PORT": str(first["port"])}
    for port in ports:
        if port.get("name"):
            name = port["name"].upper().replace("-", "_")
            found[f"{prefix}_SERVICE_PORT_{name}"] = str(port["port"])
    protocol = first.get("protocol", "TCP").lower()
    found[f"{prefix}_PORT"] = f"{protocol}://{address}:{first['port']}"
    for port in ports:
        protocol = port.get("protocol", "TCP")
        url = f"{protocol.lower()}://{address}:{port['port']}"
        base = f"{prefix}_PORT_{port['port']}_{protocol}"
        found |= {base: url, f"{base}_PROTO": protocol.lower(), f"{base}_PORT": str(port["port"])}
        found[f"{base}_ADDR"] = address
    return found
