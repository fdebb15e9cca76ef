"""The kinds of object that a cluster's API serves, and by which names they go.

    builtin().by_plural("apps", "v1", "deployments").kind     ->  "Deployment"
    builtin().with_definitions([crd]).by_kind("x.io", "v1", "Foo")

Source: aggregated discovery of a kube-apiserver 1.37.2. Left out: alpha and beta versions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field as _field
from functools import cache

from akswi_helpers.sandbox.cluster.tables.schema import Node, facts, of_custom, types
from akswi_helpers.sandbox.cluster.tables.schema import field as field
from akswi_helpers.sandbox.cluster.tables.schema import fields as fields
from akswi_helpers.types import Json

_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_WRITES = frozenset({"get", "patch", "update"})


@dataclass(frozen=True, slots=True)
class Subresource:
    """A part of an object with a path of its own: `/scale` answers autoscaling/v1 Scale."""

    name: str
    group: str
    version: str
    kind: str
    verbs: frozenset[str]


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource of the API in one version. `subresources` are names: "status", "scale"."""

    group: str  # "" is the core group
    version: str
    kind: str  # "Deployment"
    plural: str  # "deployments"
    singular: str
    namespaced: bool
    verbs: frozenset[str]
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    type_name: str = ""  # key into the schema; "" for custom resources
    custom: bool = False
    parts: tuple[Subresource, ...] = ()  # the subresources in full
    schema: Node = _field(default_factory=dict, compare=False, repr=False)  # custom ones only
    columns: tuple[Json, ...] = _field(default=(), compare=False, repr=False)  # likewise

    @property
    def api_version(self) -> str:
        """The group and version as objects write it: "apps/v1", or "v1" in the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_resource(self) -> str:
        """The resource with its group: "deployments.apps", or "pods" in the core group."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def list_kind(self) -> str:
        """The kind of a list of these: "DeploymentList"."""
        return f"{self.kind}List"

    def part(self, name: str) -> Subresource | None:
        """The subresource `name`, or None."""
        return next((part for part in self.parts if part.name == name), None)


def root(kind: Kind) -> Node:
    """The schema node of a whole object of this kind; empty when nothing is known of it."""
    if kind.custom:
        return kind.schema
    return {"ref": kind.type_name} if kind.type_name else {}


class Kinds:
    """The kinds that one cluster serves, found by name. Immutable."""

    def __init__(self, served: Iterable[Kind]) -> None:
        self._all = tuple(served)
        self._plurals = {(k.group, k.version, k.plural): k for k in self._all}
        self._kinds = {(k.group, k.version, k.kind): k for k in reversed(self._all)}

    def all(self) -> tuple[Kind, ...]:
        """Every kind, in the order in which discovery lists them."""
        return self._all

    def by_plural(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind that `/apis/{group}/{version}/{plural}` serves, or None."""
        return self._plurals.get((group, version, plural))

    def by_kind(self, group: str, version: str, kind: str) -> Kind | None:
        """The kind that objects with this apiVersion and kind are, or None."""
        return self._kinds.get((group, version, kind))

    def named(self, api_version: str, kind: str) -> Kind:
        """The kind of `apiVersion` "apps/v1" or "v1". Raises KeyError when there is none."""
        group, _, version = api_version.rpartition("/")
        return self._kinds[group, version, kind]

    def with_custom(self, kind: Kind) -> Kinds:
        """These kinds and one more."""
        return Kinds((*self._all, kind))

    def with_definitions(self, definitions: Iterable[Json]) -> Kinds:
        """These kinds and those of CustomResourceDefinition objects."""
        added = [kind for definition in definitions for kind in custom_kinds(definition)]
        return Kinds((*self._all, *added)) if added else self


@cache
def builtin() -> Kinds:
    """The kinds that every cluster serves."""
    by_id = {name: key for key, node in types().items() for name in node.get("kinds", ())}
    return Kinds(_read(row, by_id) for row in facts("discovery"))


def custom_kinds(definition: Json) -> tuple[Kind, ...]:
    """The kinds that a CustomResourceDefinition adds: one for each served version."""
    spec = definition["spec"]
    return tuple(_defined(spec, version) for version in spec["versions"] if version.get("served"))


def _read(row: Json, by_id: dict[str, str]) -> Kind:
    group, version, kind = row["group"], row["version"], row["responseKind"]["kind"]
    parts = tuple(_part(group, version, part) for part in row.get("subresources", ()))
    return Kind(
        group=group,
        version=version,
        kind=kind,
        plural=row["resource"],
        singular=row["singularResource"],
        namespaced=row["scope"] == "Namespaced",
        verbs=frozenset(row["verbs"]),
        short_names=tuple(row.get("shortNames", ())),
        categories=tuple(row.get("categories", ())),
        subresources=tuple(part.name for part in parts),
        type_name=by_id.get(f"{group}/{version}/{kind}", ""),
        parts=parts,
    )


def _part(group: str, version: str, row: Json) -> Subresource:
    answers = row["responseKind"]
    return Subresource(
        name=row["subresource"],
        group=answers["group"] if answers["version"] else group,
        version=answers["version"] or version,
        kind=answers["kind"],
        verbs=frozenset(row["verbs"]),
    )


def _defined(spec: Json, version: Json) -> Kind:
    names, group, served = spec["names"], spec["group"], version["name"]
    has = version.get("subresources") or {}
    parts = []
    if "status" in has:
        parts.append(Subresource("status", group, served, names["kind"], _WRITES))
    if "scale" in has:
        parts.append(Subresource("scale", "autoscaling", "v1", "Scale", _WRITES))
    return Kind(
        group=group,
        version=served,
        kind=names["kind"],
        plural=names["plural"],
        singular=names.get("singular") or names["kind"].lower(),
        namespaced=spec["scope"] == "Namespaced",
        verbs=frozenset(_VERBS),
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=tuple(part.name for part in parts),
        custom=True,
        parts=tuple(parts),
        schema=of_custom((version.get("schema") or {}).get("openAPIV3Schema") or {}),
        columns=tuple(version.get("additionalPrinterColumns") or ()),
    )
