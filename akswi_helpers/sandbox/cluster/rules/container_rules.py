"""Rules for the containers of a pod: names, ports, environment, mounts, probes, resources.

Source: 422 Status bodies of a kube-apiserver 1.37.2 and the validation in its published source.
Left out: security contexts, lifecycle hooks, devices, huge pages.
"""

from __future__ import annotations

from typing import Any

from akswi_helpers.sandbox.cluster.rules import names
from akswi_helpers.sandbox.cluster.rules.field_errors import (
    FieldError,
    duplicate,
    each,
    forbidden,
    invalid,
    not_found,
    not_negative,
    required,
    unsupported,
)
from akswi_helpers.sandbox.cluster.rules.volume_rules import descending, field_ref
from akswi_helpers.sandbox.cluster.tables.quantities import parse
from akswi_helpers.types import Json

PROTOCOLS = ("SCTP", "TCP", "UDP")

_PULL = ("Always", "IfNotPresent", "Never")
_MESSAGES = ("File", "FallbackToLogsOnError")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_COUNTS = (
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
)
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_ENV_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_LATER = "may not be set for init containers without restartPolicy=Always"


def containers(found: list[Json], volumes: set[str], field: str) -> list[FieldError]:
    """What is wrong with a pod's ordinary containers."""
    if not found:
        return [required(field)]
    errors: list[FieldError] = []
    seen: set[str] = set()
    for at, one in each(field, found):
        errors += _common(one, volumes, at)
        if one.get("name", "") in seen:
            errors.append(duplicate(f"{at}.name", one["name"]))
        seen.add(one.get("name", ""))
        errors += _probes(one, at)
    return errors


def init_containers(
    found: list[Json], ordinary: list[Json], volumes: set[str], field: str
) -> list[FieldError]:
    """What is wrong with containers that run first; sidecars may have probes."""
    errors: list[FieldError] = []
    seen = {one.get("name", "") for one in ordinary}
    for at, one in each(field, found):
        errors += _common(one, volumes, at)
        name = one.get("name", "")
        if name in seen:
            errors.append(duplicate(f"{at}.name", name))
        seen.add(name)
        if one.get("restartPolicy") == "Always":
            errors += _probes(one, at)
        else:
            later = ("lifecycle", *_PROBES)
            errors += [forbidden(f"{at}.{n}", _LATER) for n in later if one.get(n) is not None]
    return errors


def _common(one: Json, volumes: set[str], at: str) -> list[FieldError]:
    name, policy = one.get("name", ""), one.get("terminationMessagePolicy", "")
    errors = [invalid(f"{at}.name", name, why) for why in names.label(name)] if name else []
    if not name:
        errors.append(required(f"{at}.name"))
    if not one.get("image"):
        errors.append(required(f"{at}.image"))
    if policy not in _MESSAGES:
        errors.append(unsupported(f"{at}.terminationMessagePolicy", policy, _MESSAGES))
    errors += _ports(one.get("ports") or [], f"{at}.ports")
    errors += _env(one.get("env") or [], f"{at}.env")
    errors += _env_from(one.get("envFrom") or [], f"{at}.envFrom")
    errors += _mounts(one.get("volumeMounts") or [], volumes, f"{at}.volumeMounts")
    pull = one.get("imagePullPolicy", "")
    if pull not in _PULL:
        errors.append(unsupported(f"{at}.imagePullPolicy", pull, _PULL))
    return errors + resources(one.get("resources") or {}, f"{at}.resources")


def _ports(found: list[Json], field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for at, port in each(field, found):
        name = port.get("name", "")
        wrong = names.port_name(name) if name else []
        errors += [invalid(f"{at}.name", name, why) for why in wrong]
        if name and not wrong and name in seen:
            errors.append(duplicate(f"{at}.name", name))
        seen.add(name)
        number = port.get("containerPort", 0)
        errors += port_number(number, f"{at}.containerPort") if number else []
        errors += [] if number else [required(f"{at}.containerPort")]
        if port.get("hostPort"):
            errors += port_number(port["hostPort"], f"{at}.hostPort")
        errors += protocol(port.get("protocol", ""), f"{at}.protocol")
    return errors


def port_number(number: int, field: str) -> list[FieldError]:
    """What is wrong with the number of a port."""
    fits = 1 <= number <= 65535
    return [] if fits else [invalid(field, number, "must be between 1 and 65535, inclusive")]


def port_or_name(port: Any, field: str) -> list[FieldError]:
    """What is wrong with a port given by number or name."""
    if isinstance(port, str):
        return [invalid(field, port, why) for why in names.port_name(port)]
    return port_number(port or 0, field)


def protocol(name: str, field: str) -> list[FieldError]:
    """What is wrong with a transport protocol."""
    if not name:
        return [required(field)]
    return [] if name in PROTOCOLS else [unsupported(field, name, PROTOCOLS)]


def _env(found: list[Json], field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for at, variable in each(field, found):
        name = variable.get("name", "")
        if name:
            errors += [invalid(f"{at}.name", name, why) for why in names.variable(name)]
        else:
            errors.append(required(f"{at}.name"))
        if variable.get("valueFrom") is not None:
            errors += _value_from(variable, f"{at}.valueFrom")
    return errors


def _value_from(variable: Json, at: str) -> list[FieldError]:
    source = variable["valueFrom"]
    given = [name for name in _ENV_SOURCES if source.get(name) is not None]
    errors: list[FieldError] = []
    for name in given:
        if name == "fieldRef":
            errors += field_ref(source[name], f"{at}.{name}", _ENV_FIELDS)
        elif name in ("configMapKeyRef", "secretKeyRef"):
            errors += _key_ref(source[name], f"{at}.{name}")
    if not given:
        listed = ", ".join(f"`{name}`" for name in _ENV_SOURCES[:-1])
        why = f"must specify one of: {listed} or `{_ENV_SOURCES[-1]}`"
        errors.append(invalid(at, "", why))
    elif variable.get("value"):
        errors.append(invalid(at, "", "may not be specified when `value` is not empty"))
    elif len(given) > 1:
        errors.append(invalid(at, "", "may not have more than one field specified at a time"))
    return errors


def _key_ref(ref: Json, at: str) -> list[FieldError]:
    name, key = ref.get("name", ""), ref.get("key", "")
    errors = [invalid(f"{at}.name", name, why) for why in names.subdomain(name)]
    if not key:
        return [*errors, required(f"{at}.key")]
    return errors + [invalid(f"{at}.key", key, why) for why in names.config_key(key)]


def _env_from(found: list[Json], field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for at, source in each(field, found):
        given = [name for name in ("configMapRef", "secretRef") if source.get(name) is not None]
        errors += [required(f"{at}.{n}.name") for n in given if not source[n].get("name")]
        if not given:
            why = "must specify one of: `configMapRef` or `secretRef`"
            errors.append(invalid(field, "", why))
        elif len(given) > 1:
            why = "may not have more than one field specified at a time"
            errors.append(invalid(field, "", why))
    return errors


def _mounts(found: list[Json], volumes: set[str], field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for at, mount in each(field, found):
        name, path = mount.get("name", ""), mount.get("mountPath", "")
        errors += [] if name else [required(f"{at}.name")]
        errors += [] if name in volumes else [not_found(f"{at}.name", name)]
        errors += [] if path else [required(f"{at}.mountPath")]
        if path in seen:
            errors.append(invalid(f"{at}.mountPath", path, "must be unique"))
        seen.add(path)
        # The real server leaves the index out of this path.
        errors += descending(mount.get("subPath", ""), f"{field}.subPath")
    return errors


def _probes(one: Json, at: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for name in _PROBES:
        probe = one.get(name)
        if probe is None:
            continue
        field = f"{at}.{name}"
        errors += _handler(probe, field)
        for count in _COUNTS:
            errors += not_negative(f"{field}.{count}", probe.get(count, 0))
        threshold = probe.get("successThreshold", 0)
        if name != "readinessProbe" and threshold != 1:
            errors.append(invalid(f"{field}.successThreshold", threshold, "must be 1"))
    return errors


def _handler(probe: Json, field: str) -> list[FieldError]:
    given = [name for name in _HANDLERS if probe.get(name) is not None]
    if not given:
        return [required(field, "must specify a handler type")]
    why = "may not specify more than 1 handler type"
    errors = [forbidden(f"{field}.{name}", why) for name in given[1:]]
    first, at = probe[given[0]], f"{field}.{given[0]}"
    if given[0] == "exec" and not first.get("command"):
        errors.append(required(f"{at}.command"))
    if given[0] in ("httpGet", "tcpSocket", "grpc"):
        errors += port_or_name(first.get("port", 0), f"{at}.port")
    if given[0] == "httpGet" and first.get("scheme") not in ("HTTP", "HTTPS"):
        errors.append(unsupported(f"{at}.scheme", first.get("scheme", ""), ("HTTP", "HTTPS")))
    return errors


def resources(found: Json, field: str) -> list[FieldError]:
    """What is wrong with requests and limits."""
    limits, requests = found.get("limits") or {}, found.get("requests") or {}
    errors: list[FieldError] = []
    for name, amount in limits.items():
        errors += _amount(name, amount, f"{field}.limits[{name}]")
    for name, amount in requests.items():
        errors += _amount(name, amount, f"{field}.requests[{name}]")
        if name in limits and parse(amount) > parse(limits[name]):
            why = f"must be less than or equal to {name} limit of {limits[name]}"
            errors.append(invalid(f"{field}.requests", amount, why))
    return errors


def _amount(name: str, amount: str, at: str) -> list[FieldError]:
    errors = []
    if "/" not in name and name not in ("cpu", "memory", "ephemeral-storage"):
        errors += [] if name.startswith("hugepages-") else _standard(name, at)
    if parse(amount) < 0:
        errors.append(invalid(at, amount, "must be greater than or equal to 0"))
    return errors


def _standard(name: str, at: str) -> list[FieldError]:
    return [invalid(at, name, "must be a standard resource for containers")]
