"""A client of the real API server, and what is left out of comparisons with it."""

from __future__ import annotations

import copy
import http.client
import json
import ssl
from typing import Any

from akswi_helpers.sandbox.cluster.tables.kinds import Kind

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"

_OWN = ("resourceVersion", "generation", "uid", "creationTimestamp", "namespace")


class Real:
    """The real server on 127.0.0.1, as its administrator."""

    def __init__(self, port: int) -> None:
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE  # a throw-away server
        self._connection = http.client.HTTPSConnection("127.0.0.1", port, context=trust)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> tuple[int, dict[str, Any]]:
        """The status and the JSON body."""
        headers = {"Authorization": "Bearer admin-token", "Accept": accept, "User-Agent": "judge"}
        headers["Content-Type"] = content_type
        text = None if body is None else json.dumps(body)
        self._connection.request(method, path, text, headers)
        with self._connection.getresponse() as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return answer.status, found


def path_of(kind: Kind, name: str = "") -> str:
    """The path of a kind's objects in the namespace default, or of one of them."""
    base = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    space = "/namespaces/default" if kind.namespaced else ""
    return f"{base}{space}/{kind.plural}" + (f"/{name}" if name else "")


def comparable(obj: dict[str, Any]) -> Any:
    """The object without what stores, controllers, allocators and admission add."""
    found = copy.deepcopy(obj)
    metadata = found["metadata"]
    for name in _OWN:
        metadata.pop(name, None)
    for entry in metadata.get("managedFields") or ():
        entry.pop("time", None)
    entries = metadata.pop("managedFields", None) or []
    metadata["managedFields"] = sorted(
        entries, key=lambda e: (e["operation"], e["manager"], e.get("subresource", ""))
    )
    found.pop("status", None)
    spec = found.get("spec") or {}
    if found["kind"] == "Service":
        for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            spec.pop(name, None)
        for port in spec.get("ports") or ():
            port.pop("nodePort", None)
    if found["kind"] == "Pod":
        _without_admission(spec)
    return found


def _without_admission(spec: dict[str, Any]) -> None:
    for name in ("serviceAccountName", "serviceAccount", "priority", "preemptionPolicy"):
        spec.pop(name, None)
    added = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
    kept = [one for one in spec.get("tolerations") or () if one.get("key") not in added]
    spec["tolerations"] = kept
    for holder in [spec, *spec.get("containers", ()), *spec.get("initContainers", ())]:
        field = "volumes" if holder is spec else "volumeMounts"
        named = holder.get(field) or []
        holder[field] = [one for one in named if not one["name"].startswith("kube-api-access-")]
