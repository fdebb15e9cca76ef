"""What `kubectl get` prints about an object of each kind, cell by cell.

    of(deployment)(obj, now)   ->  ["web", "1/1", 1, 1, "5m", "web", "nginx:1.27", "app=web"]

Source: Table answers of a kube-apiserver 1.37.2. Left out: kinds that are not in `_CELLS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from akswi_helpers.sandbox.cluster.printing import pod_cells
from akswi_helpers.sandbox.cluster.printing.durations import human, since, unix
from akswi_helpers.sandbox.cluster.tables.kinds import Kind
from akswi_helpers.types import Json, Seconds

Cells: TypeAlias = Callable[[Json, Seconds], list[Any]]

NONE = "<none>"


def of(kind: Kind) -> Cells | None:
    """How to print objects of this kind; None when only name and age are known."""
    return _CELLS.get(kind.group_resource)


def name_and_age(obj: Json, now: Seconds) -> list[Any]:
    """The name, and how long ago it was made."""
    return [_name(obj), _age(obj, now)]


def _name(obj: Json) -> str:
    return str(obj["metadata"]["name"])


def _age(obj: Json, now: Seconds) -> str:
    return since(obj["metadata"].get("creationTimestamp"), now)


def _name_and_time(obj: Json, now: Seconds) -> list[Any]:
    return [_name(obj), obj["metadata"].get("creationTimestamp", "<unknown>")]


def labels(found: Json | None) -> str:
    """Labels as kubectl prints them: "a=b,c=d", or "<none>"."""
    return ",".join(f"{key}={value}" for key, value in sorted((found or {}).items())) or NONE


def selector(found: Json | None) -> str:
    """A label selector as kubectl prints it: "a=b,c in (d,e),!f"."""
    parts = [(k, f"{k}={v}") for k, v in ((found or {}).get("matchLabels") or {}).items()]
    for rule in (found or {}).get("matchExpressions") or []:
        key, listed = rule["key"], ",".join(sorted(rule.get("values") or []))
        words = {"In": f"{key} in ({listed})", "NotIn": f"{key} notin ({listed})"}
        words |= {"Exists": key, "DoesNotExist": f"!{key}"}
        parts.append((key, words[rule["operator"]]))
    return ",".join(text for _, text in sorted(parts, key=lambda part: part[0])) or NONE


def _containers(obj: Json) -> list[Any]:
    found = obj["spec"]["template"]["spec"]["containers"]
    names = ",".join(container["name"] for container in found)
    return [names, ",".join(container.get("image", "") for container in found)]


def _status(obj: Json, name: str) -> Any:
    return (obj.get("status") or {}).get(name, 0)


def _deployment(obj: Json, now: Seconds) -> list[Any]:
    ready = f"{_status(obj, 'readyReplicas')}/{obj['spec'].get('replicas', 0)}"
    counts = [_status(obj, "updatedReplicas"), _status(obj, "availableReplicas")]
    wide = [*_containers(obj), selector(obj["spec"].get("selector"))]
    return [_name(obj), ready, *counts, _age(obj, now), *wide]


def _replica_set(obj: Json, now: Seconds) -> list[Any]:
    counts = [obj["spec"].get("replicas", 0), _status(obj, "replicas")]
    wide = [*_containers(obj), selector(obj["spec"].get("selector"))]
    return [_name(obj), *counts, _status(obj, "readyReplicas"), _age(obj, now), *wide]


def _stateful_set(obj: Json, now: Seconds) -> list[Any]:
    ready = f"{_status(obj, 'readyReplicas')}/{obj['spec'].get('replicas', 0)}"
    return [_name(obj), ready, _age(obj, now), *_containers(obj)]


def _daemon_set(obj: Json, now: Seconds) -> list[Any]:
    counted = ("desiredNumberScheduled", "currentNumberScheduled", "numberReady")
    counts = [_status(obj, name) for name in counted]
    counts += [_status(obj, "updatedNumberScheduled"), _status(obj, "numberAvailable")]
    nodes = labels(obj["spec"]["template"]["spec"].get("nodeSelector"))
    wide = [*_containers(obj), selector(obj["spec"].get("selector"))]
    return [_name(obj), *counts, nodes, _age(obj, now), *wide]


def _job(obj: Json, now: Seconds) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    wanted, parallel = spec.get("completions"), spec.get("parallelism", 0)
    if wanted is None:
        wanted = f"1 of {parallel}" if parallel > 1 else 1
    started, ended = status.get("startTime"), status.get("completionTime")
    length = human((unix(ended) if ended else now) - unix(started)) if started else ""
    completions = f"{status.get('succeeded', 0)}/{wanted}"
    wide = [*_containers(obj), selector(spec.get("selector"))]
    return [_name(obj), _job_status(status, obj), completions, length, _age(obj, now), *wide]


def _job_status(status: Json, obj: Json) -> str:
    true = {c["type"] for c in status.get("conditions") or [] if c.get("status") == "True"}
    for condition in ("Complete", "Failed"):
        if condition in true:
            return condition
    if "deletionTimestamp" in obj["metadata"]:
        return "Terminating"
    for condition in ("Suspended", "FailureTarget", "SuccessCriteriaMet"):
        if condition in true:
            return condition
    return "Running"


def _cron_job(obj: Json, now: Seconds) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    last = status.get("lastScheduleTime")
    head = [_name(obj), spec["schedule"], spec.get("timeZone") or NONE]
    head += [str(bool(spec.get("suspend"))), len(status.get("active") or [])]
    template = spec["jobTemplate"]["spec"]
    wide = [*_containers(spec["jobTemplate"]), selector(template.get("selector"))]
    return [*head, since(last, now) if last else NONE, _age(obj, now), *wide]


def _service(obj: Json, now: Seconds) -> list[Any]:
    spec = obj["spec"]
    address = (spec.get("clusterIPs") or [NONE])[0]
    ports = ",".join(_port(port) for port in spec.get("ports") or []) or NONE
    head = [_name(obj), spec.get("type", ""), address, _outside(obj)]
    return [*head, ports, _age(obj, now), labels(spec.get("selector"))]


def _port(port: Json) -> str:
    node = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port['port']}{node}/{port.get('protocol', 'TCP')}"


def _outside(obj: Json) -> str:
    spec = obj["spec"]
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName", ""))
    listed = list(spec.get("externalIPs") or [])
    if spec.get("type") != "LoadBalancer":
        return ",".join(listed) or NONE
    points = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    balanced = [point.get("ip") or point.get("hostname", "") for point in points]
    return ",".join([*balanced, *listed]) or "<pending>"


def _config_map(obj: Json, now: Seconds) -> list[Any]:
    count = len(obj.get("data") or {}) + len(obj.get("binaryData") or {})
    return [_name(obj), count, _age(obj, now)]


def _secret(obj: Json, now: Seconds) -> list[Any]:
    return [_name(obj), obj.get("type", ""), len(obj.get("data") or {}), _age(obj, now)]


def _namespace(obj: Json, now: Seconds) -> list[Any]:
    return [_name(obj), (obj.get("status") or {}).get("phase", ""), _age(obj, now)]


def _node(obj: Json, now: Seconds) -> list[Any]:
    status = obj.get("status") or {}
    info = status.get("nodeInfo") or {}
    by_type: Json = {a["type"]: a["address"] for a in reversed(status.get("addresses") or [])}
    addresses = [by_type.get(kind) or NONE for kind in ("InternalIP", "ExternalIP")]
    names = ("osImage", "kernelVersion", "containerRuntimeVersion")
    software = [info.get(name) or "<unknown>" for name in names]
    head = [_name(obj), _node_status(obj), _roles(obj), _age(obj, now)]
    return [*head, info.get("kubeletVersion", ""), *addresses, *software]


def _node_status(obj: Json) -> str:
    found = [
        "Ready" if condition.get("status") == "True" else "NotReady"
        for condition in (obj.get("status") or {}).get("conditions") or []
        if condition["type"] == "Ready"
    ] or ["Unknown"]
    cordoned = ["SchedulingDisabled"] if (obj.get("spec") or {}).get("unschedulable") else []
    return ",".join(found + cordoned)


def _roles(obj: Json) -> str:
    prefix = "node-role.kubernetes.io/"
    found = obj["metadata"].get("labels") or {}
    roles = {name.removeprefix(prefix) for name in found if name.startswith(prefix)}
    roles |= {found["kubernetes.io/role"]} if found.get("kubernetes.io/role") else set()
    return ",".join(sorted(roles - {""})) or NONE


def _event(obj: Json, now: Seconds) -> list[Any]:
    about = obj.get("involvedObject") or obj.get("regarding") or {}
    source = obj.get("source") or obj.get("deprecatedSource") or {}
    series = obj.get("series") or {}
    first = _older(obj, "firstTimestamp") or obj.get("eventTime")
    last = series.get("lastObservedTime") or _older(obj, "lastTimestamp") or first
    kind, name = about.get("kind", "").lower(), about.get("name")
    component = source.get("component") or obj.get("reportingComponent")
    component = component or obj.get("reportingController") or ""
    host = source.get("host") or obj.get("reportingInstance")
    said = [f"{kind}/{name}" if name else kind, about.get("fieldPath", "")]
    message = (obj.get("message") or obj.get("note") or "").strip()
    said += [f"{component}, {host}" if host else component, message]
    count = series.get("count") or _older(obj, "count") or 1
    head = [since(last, now), obj.get("type", ""), obj.get("reason", "")]
    return [*head, *said, since(first, now), count, _name(obj)]


def _older(event: Json, name: str) -> Any:
    """A field of a core/v1 event, which events.k8s.io calls deprecated."""
    return event.get(name) or event.get(f"deprecated{name[0].upper()}{name[1:]}")


def _binding(obj: Json, now: Seconds) -> list[Any]:
    by_kind: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for subject in obj.get("subjects") or []:
        space = subject.get("namespace")
        name = f"{space}/{subject['name']}" if space else subject["name"]
        by_kind[subject["kind"]].append(name)
    role = f"{obj['roleRef']['kind']}/{obj['roleRef']['name']}"
    return [_name(obj), role, _age(obj, now), *(", ".join(names) for names in by_kind.values())]


def _webhooks(obj: Json, now: Seconds) -> list[Any]:
    return [_name(obj), len(obj.get("webhooks") or []), _age(obj, now)]


def _lease(obj: Json, now: Seconds) -> list[Any]:
    return [_name(obj), (obj.get("spec") or {}).get("holderIdentity", ""), _age(obj, now)]


def _csi_driver(obj: Json, now: Seconds) -> list[Any]:
    spec = obj["spec"]
    audiences = ",".join(token["audience"] for token in spec.get("tokenRequests") or [])
    modes = ",".join(spec.get("volumeLifecycleModes") or []) or "<none>"
    flags = ("attachRequired", "podInfoOnMount", "storageCapacity")
    head = [_name(obj), *(bool(spec.get(flag)) for flag in flags), audiences or "<unset>"]
    return [*head, bool(spec.get("requiresRepublish")), modes, _age(obj, now)]


def _definition(obj: Json, now: Seconds) -> list[Any]:
    spec = obj["spec"]
    names = spec["names"]
    conditions = (obj.get("status") or {}).get("conditions") or []
    up = any(c["type"] == "Established" and c["status"] == "True" for c in conditions)
    versions = ",".join(v["name"] + "(storage)" * bool(v.get("storage")) for v in spec["versions"])
    short = ",".join(names.get("shortNames") or [])
    made = obj["metadata"].get("creationTimestamp", "<unknown>")
    head = [_name(obj), spec["scope"], versions, made]
    return [*head, spec["group"], names["kind"], short, up]


_CELLS: dict[str, Cells] = {
    "pods": pod_cells.cells,
    "configmaps": _config_map,
    "secrets": _secret,
    "serviceaccounts": name_and_age,
    "services": _service,
    "namespaces": _namespace,
    "nodes": _node,
    "events": _event,
    "events.events.k8s.io": _event,
    "deployments.apps": _deployment,
    "replicasets.apps": _replica_set,
    "statefulsets.apps": _stateful_set,
    "daemonsets.apps": _daemon_set,
    "jobs.batch": _job,
    "cronjobs.batch": _cron_job,
    "roles.rbac.authorization.k8s.io": _name_and_time,
    "clusterroles.rbac.authorization.k8s.io": _name_and_time,
    "rolebindings.rbac.authorization.k8s.io": _binding,
    "clusterrolebindings.rbac.authorization.k8s.io": _binding,
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": _webhooks,
    "validatingwebhookconfigurations.admissionregistration.k8s.io": _webhooks,
    "leases.coordination.k8s.io": _lease,
    "csidrivers.storage.k8s.io": _csi_driver,
    "customresourcedefinitions.apiextensions.k8s.io": _definition,
}
