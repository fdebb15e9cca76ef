"""What a pod may learn of itself: fields for its environment and its downward API volumes.

    field(pod, "metadata.labels['app']")  ->  "web"

Source: https://kubernetes.io/docs/concepts/workloads/pods/downward-api/. Left out: resource fields
(refused by name).
"""

from __future__ import annotations

import json
import re

from akswi_helpers.types import Json

_KEYED = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


class NoFieldError(Exception):
    """The pod has no field of this name, or none that the sandbox serves."""


def field(pod: Json, path: str) -> str:
    """The value of a fieldPath as text; "" when the pod has it empty. Raises NoFieldError."""
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    if keyed := _KEYED.fullmatch(path):
        return str((metadata.get(keyed[1]) or {}).get(keyed[2], ""))
    simple = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata["uid"],
        "metadata.labels": _listed(metadata.get("labels")),
        "metadata.annotations": _listed(metadata.get("annotations")),
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", ""),
        "status.hostIP": status.get("hostIP", ""),
        "status.podIP": status.get("podIP", ""),
        "status.hostIPs": ",".join(ip["ip"] for ip in status.get("hostIPs") or []),
        "status.podIPs": ",".join(ip["ip"] for ip in status.get("podIPs") or []),
    }
    if path not in simple:
        raise NoFieldError(f"unsupported fieldPath: {path}")
    return str(simple[path])


def _listed(values: dict[str, str] | None) -> str:
    return "\n".join(f"{key}={json.dumps(value)}" for key, value in sorted((values or {}).items()))
