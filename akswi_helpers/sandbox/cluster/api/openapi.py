"""The OpenAPI documents that helm and kubectl insist on: which kinds can be patched, no schemas.

/openapi/v2 is an empty protobuf document (JSON there fails in client-go); /openapi/v3 names, for
each group version, the PATCH of every kind with its `fieldValidation` parameter, which tells
clients that the server validates. Their hashes let clients keep them.

Source: what helm 3.17 and 4.3 and kubectl 1.27 to 1.37 ask for. Left out: schemas, so
`kubectl explain` has nothing to say.
"""

from __future__ import annotations

import hashlib
import json

from akswi_helpers.sandbox.cluster.api import discovery
from akswi_helpers.sandbox.cluster.api.calls import Call
from akswi_helpers.sandbox.wire import Reply
from akswi_helpers.types import Json

_V2 = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_PATCHES = (
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)


def answer(call: Call) -> Reply | None:
    """The document a path under /openapi names, or None."""
    path = call.target.path.strip("/")
    if path == "openapi/v2":
        return Reply(b"", 200, {"content-type": _V2})
    if path == "openapi/v3":
        return _tagged(call, _index(call))
    for version in discovery.group_versions(call):
        if path == f"openapi/v3/{_root(version)}":
            return _tagged(call, _document(call, version))
    return None


def _index(call: Call) -> Json:
    paths = {}
    for version in discovery.group_versions(call):
        root = _root(version)
        tag = _hash(_document(call, version))
        paths[root] = {"serverRelativeURL": f"/openapi/v3/{root}?hash={tag}"}
    return {"paths": paths}


def _root(version: str) -> str:
    return f"apis/{version}" if "/" in version else f"api/{version}"


def _document(call: Call, version: str) -> Json:
    paths: Json = {}
    for kind in call.cluster.kinds.all():
        if kind.api_version != version or "patch" not in kind.verbs:
            continue
        where = "/namespaces/{namespace}" if kind.namespaced else ""
        path = f"/{_root(version)}{where}/{kind.plural}/{{name}}"
        named = {"group": kind.group, "version": kind.version, "kind": kind.kind}
        paths[path] = {"patch": _patch(named, kind.custom)}
    info = {"title": "Kubernetes", "version": f"v{call.cluster.spec.version}"}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": {}}}


def _patch(named: Json, custom: bool) -> Json:
    media = [name for name in _PATCHES if not custom or "strategic" not in name]
    return {
        "parameters": [
            _parameter("dryRun", "string"),
            _parameter("fieldManager", "string"),
            _parameter("fieldValidation", "string"),
            _parameter("force", "boolean"),
        ],
        "requestBody": {"content": {name: {"schema": {"type": "object"}} for name in media}},
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": named,
    }


def _parameter(name: str, kind: str) -> Json:
    return {"name": name, "in": "query", "schema": {"type": kind, "uniqueItems": True}}


def _tagged(call: Call, document: Json) -> Reply:
    tag = f'"{_hash(document)}"'
    if call.headers.get("if-none-match") == tag:
        return Reply(None, 304, {"etag": tag})
    return Reply(document, 200, {"etag": tag, "vary": "Accept"})


def _hash(document: Json) -> str:
    return hashlib.sha256(json.dumps(document).encode()).hexdigest().upper()
