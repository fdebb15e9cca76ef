"""What the API serves: groups, versions, resources, aggregated (kubectl, helm) and plain.

Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api, answers of a
kube-apiserver 1.37.2. Left out: storage version hashes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.api import answers
from akswi_helpers.sandbox.cluster.api.calls import Call
from akswi_helpers.sandbox.cluster.refusals import unknown_resource
from akswi_helpers.sandbox.wire import Reply
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.tables.kinds import Kind, Subresource

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
_FIRST = ("apiregistration.k8s.io", "apps")  # groups that the real API lists before the others


def api(call: Call) -> Reply:
    """GET /api: the core group."""
    version = _aggregated_version(call)
    if version:
        return _aggregated(call, version, [""])
    address = f"127.0.0.1:{call.cluster.port}"
    client = {"clientCIDR": "0.0.0.0/0", "serverAddress": address}
    body = {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [client]}
    return Reply(body)


def apis(call: Call) -> Reply:
    """GET /apis: every named group."""
    version = _aggregated_version(call)
    if version:
        return _aggregated(call, version, _groups(call))
    groups = [_group(call, group) for group in _groups(call)]
    return Reply({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})


def group(call: Call) -> Reply | None:
    """GET /apis/{group}, or None when there is no such group."""
    name = call.target.path.strip("/").partition("/")[2]
    if name not in _groups(call):
        return None
    return Reply({"kind": "APIGroup", "apiVersion": "v1", **_group(call, name)})


def group_version(call: Call) -> Reply | None:
    """GET /api/v1 or /apis/{group}/{version}, or None when there is no such version."""
    target = call.target
    kinds = [k for k in _kinds(call, target.group or "") if k.version == target.version]
    if not kinds:
        return None
    rows = [row for kind in kinds for row in _plain(kind)]
    head: Json = {"kind": "APIResourceList"} | ({"apiVersion": "v1"} if target.group else {})
    return Reply({**head, "groupVersion": target.api_version, "resources": rows})


def served(call: Call) -> Kind:
    """The kind the target names. Raises StatusError 404."""
    target = call.target
    kind = call.cluster.kinds.by_plural(target.group or "", target.version, target.plural)
    if kind is None:
        raise unknown_resource()
    return kind


def group_versions(call: Call) -> list[str]:
    """Every "v1", "apps/v1", … in discovery's order."""
    groups = ["", *_groups(call)]
    return [
        f"{group}/{version}" if group else version
        for group in groups
        for version in _versions(call, group)
    ]


def _aggregated_version(call: Call) -> str:
    accept = call.headers.get("accept", "")
    for media, parameters in answers.parsed(accept):
        wanted = parameters.get("as") == "APIGroupDiscoveryList"
        if wanted and media == "application/json" and parameters.get("v") in ("v2", "v2beta1"):
            return parameters["v"]
    return ""


def _aggregated(call: Call, version: str, groups: list[str]) -> Reply:
    items = [
        {
            "metadata": {"name": group} if group else {},
            "versions": [
                {
                    "version": served,
                    "resources": [_row(k) for k in _kinds(call, group) if k.version == served],
                    "freshness": "Current",
                }
                for served in _versions(call, group)
            ],
        }
        for group in groups
    ]
    named = {"kind": "APIGroupDiscoveryList", "apiVersion": f"apidiscovery.k8s.io/{version}"}
    body = {**named, "metadata": {}, "items": items}
    tag = f'"{hashlib.sha256(json.dumps(body).encode()).hexdigest().upper()}"'
    # Clients keep a 304's headers over those they cached: it needs the same content type.
    head = {"content-type": _AGGREGATED.format(version), "etag": tag, "cache-control": "public"}
    if call.headers.get("if-none-match") == tag:
        return Reply(None, 304, head)
    return Reply(body, 200, {**head, "vary": "Accept"})


def _row(kind: Kind) -> Json:
    response = _response(kind.group, kind.version, kind.kind)
    if not kind.custom:
        response |= {"group": "", "version": ""}
    row: Json = {
        "resource": kind.plural,
        "responseKind": response,
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": _verbs(kind),
    }
    row |= {"shortNames": list(kind.short_names)} if kind.short_names else {}
    row |= {"categories": list(kind.categories)} if kind.categories else {}
    if kind.parts:
        row["subresources"] = [
            {
                "subresource": part.name,
                "responseKind": _part_response(kind, part),
                "verbs": sorted(part.verbs),
            }
            for part in kind.parts
        ]
    return row


_CUSTOM_VERBS = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]


def _verbs(kind: Kind) -> list[str]:
    return _CUSTOM_VERBS if kind.custom else sorted(kind.verbs)


def _part_response(kind: Kind, part: Subresource) -> Json:
    own = (part.group, part.version) == (kind.group, kind.version) and not kind.custom
    return _response("", "", part.kind) if own else _response(part.group, part.version, part.kind)


def _response(group: str, version: str, kind: str) -> Json:
    return {"group": group, "version": version, "kind": kind}


def _plain(kind: Kind) -> Iterator[Json]:
    row: Json = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": _verbs(kind),
    }
    row |= {"shortNames": list(kind.short_names)} if kind.short_names else {}
    row |= {"categories": list(kind.categories)} if kind.categories else {}
    yield row
    for part in kind.parts:
        found: Json = {
            "name": f"{kind.plural}/{part.name}",
            "singularName": "",
            "namespaced": kind.namespaced,
            "kind": part.kind,
            "verbs": sorted(part.verbs),
        }
        if (part.group, part.version) != (kind.group, kind.version):
            found |= {"group": part.group, "version": part.version}
        yield found


def _group(call: Call, group: str) -> Json:
    versions = [
        {"groupVersion": f"{group}/{version}", "version": version}
        for version in _versions(call, group)
    ]
    return {"name": group, "versions": versions, "preferredVersion": versions[0]}


def _groups(call: Call) -> list[str]:
    found = dict.fromkeys(kind.group for kind in call.cluster.kinds.all() if kind.group)
    return [*(name for name in _FIRST if name in found), *(n for n in found if n not in _FIRST)]


def _versions(call: Call, group: str) -> list[str]:
    found = dict.fromkeys(kind.version for kind in _kinds(call, group))
    return sorted(found, key=_rank, reverse=True)


def _rank(version: str) -> tuple[int, str]:
    stable = "alpha" not in version and "beta" not in version
    return (1 if stable else 0, version)


def _kinds(call: Call, group: str) -> list[Kind]:
    return [kind for kind in call.cluster.kinds.all() if kind.group == group]
