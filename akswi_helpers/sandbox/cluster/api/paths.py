"""The path grammar of a Kubernetes API: one function reads every address.

    read("/apis/apps/v1/namespaces/app1/deployments/web/scale")
      -> Target(group="apps", version="v1", namespace="app1", plural="deployments", name="web",
                subresource="scale")

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris.
Left out: the long-gone /watch/ prefix, and proxied paths behind services and nodes.
"""

from __future__ import annotations

from dataclasses import dataclass

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class Target:
    """What a path names. `plural` "" means a group version itself, or (`group` None) no resource.

    `rest` is what follows a subresource, as in proxy paths.
    """

    path: str
    group: str | None = None
    version: str = ""
    namespace: str = ""
    plural: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""

    @property
    def api_version(self) -> str:
        """Group and version: "apps/v1", or "v1" in the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def verb(self, method: str, *, watching: bool) -> str:
        """The verb of a request, as authorisation and discovery call it."""
        if method in ("GET", "HEAD"):
            if self.name:
                return "get"
            return "watch" if watching else "list"
        verb = _VERBS.get(method, method.lower())
        return "deletecollection" if verb == "delete" and not self.name else verb


def read(path: str) -> Target:
    """The target of a decoded path; one without a resource for "/version" and its like."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) >= 2:
        return _resource(path, "", parts[1], parts[2:])
    if parts[:1] == ["apis"] and len(parts) >= 3:
        return _resource(path, parts[1], parts[2], parts[3:])
    return Target(path)


def _resource(path: str, group: str, version: str, parts: list[str]) -> Target:
    namespace = ""
    if parts[:1] == ["namespaces"] and len(parts) > 2 and not _of_namespace(parts[2:]):
        namespace, parts = parts[1], parts[2:]
    plural, name, subresource, *rest = [*parts, "", "", ""]
    if plural == "namespaces" and name:
        namespace = name
    found = "/".join(part for part in rest if part)
    return Target(path, group, version, namespace, plural, name, subresource, found)


def _of_namespace(parts: list[str]) -> bool:
    return parts in (["status"], ["finalize"])
