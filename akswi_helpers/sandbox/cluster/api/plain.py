"""Paths that are no resources: /version, health, discovery, OpenAPI, the issuer's documents.

Source: answers of a kube-apiserver 1.37.2.
"""

from __future__ import annotations

import platform

from akswi_helpers.sandbox.cluster.api import answers, discovery, openapi
from akswi_helpers.sandbox.cluster.api.calls import Call
from akswi_helpers.sandbox.cluster.refusals import method_not_allowed, not_implemented
from akswi_helpers.sandbox.tokens import SigningKeys
from akswi_helpers.sandbox.wire import Reply
from akswi_helpers.types import Json

_HEALTH = ("healthz", "livez", "readyz")
_ELSEWHERE = ("metrics", "logs", "debug", "configz", "flagz", "statusz", "swagger-ui")


async def answer(call: Call) -> Reply:
    """The reply to a path without a resource. Raises StatusError 405 or 501."""
    if call.method not in ("GET", "HEAD"):
        raise method_not_allowed()
    found = await _found(call)
    return found if found is not None else page_not_found()


def page_not_found() -> Reply:
    """What the API server's multiplexer says of paths that nobody registered."""
    return Reply("404 page not found\n", 404)


async def _found(call: Call) -> Reply | None:
    target = call.target
    parts = [part for part in target.path.split("/") if part]
    first = parts[0] if parts else ""
    if target.group is not None:
        return discovery.group_version(call)
    if first in _ELSEWHERE:
        raise not_implemented(f"the path {target.path}")
    if first in _HEALTH:
        return Reply("ok", 200)
    if first == "openapi":
        return openapi.answer(call)
    if target.path.strip("/") in (".well-known/openid-configuration", "openid/v1/jwks"):
        return await _issuer(call)
    fixed = {"": _paths, "api": discovery.api, "apis": discovery.apis, "version": _version}
    if len(parts) <= 1 and first in fixed:
        return fixed[first](call)
    return discovery.group(call) if first == "apis" else None


def _version(call: Call) -> Reply:
    version = call.cluster.spec.version
    major, minor, *_ = version.split(".")
    return Reply(
        {
            "major": major,
            "minor": minor,
            "gitVersion": f"v{version}",
            "gitCommit": "",
            "gitTreeState": "clean",
            "buildDate": "1970-01-01T00:00:00Z",
            "goVersion": "",
            "compiler": "gc",
            "platform": f"linux/{_machine()}",
        }
    )


def _machine() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "amd64")


def _paths(call: Call) -> Reply:
    answers.form_of(call)
    versions = discovery.group_versions(call)
    named = [f"/apis/{version}" for version in versions if "/" in version]
    groups = [f"/apis/{version.partition('/')[0]}" for version in versions if "/" in version]
    rest = ["/api", "/api/v1", "/apis", "/openapi/v2", "/openapi/v3", "/version"]
    rest += [f"/{name}" for name in _HEALTH]
    return Reply({"paths": sorted({*named, *groups, *rest})})


async def _issuer(call: Call) -> Reply:
    keys = call.cluster.world.state(SigningKeys)
    if call.target.path.strip("/") == "openid/v1/jwks":
        body: Json = await keys.jwks(call.cluster.issuer_key)
        return Reply(body, 200, {"content-type": "application/jwk-set+json"})
    issuer = call.cluster.spec.issuer
    return Reply(
        {
            "issuer": issuer,
            "jwks_uri": f"{issuer}openid/v1/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
    )
