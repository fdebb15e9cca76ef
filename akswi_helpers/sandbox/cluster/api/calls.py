"""One request to a cluster's API, read once: who, which verb on what, with which options.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/. Booleans are read as
apimachinery reads them: anything but "false" and "0" is true, so the Python client's "True" works.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.api.paths import Target
from akswi_helpers.sandbox.cluster.api.rbac import Attributes
from akswi_helpers.sandbox.cluster.refusals import bad_option, bad_request
from akswi_helpers.sandbox.cluster.users import SYSTEM, User

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster
    from akswi_helpers.sandbox.cluster.tables.kinds import Kind

_LONGEST_MANAGER = 128
_VALIDATIONS = ("", "Ignore", "Strict", "Warn")


@dataclass(slots=True)
class Answered:
    """What a handler adds to its answer on the way: `Warning` headers."""

    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Call:
    """A request. `kind` is None where the path names no resource that the cluster serves."""

    cluster: Cluster
    method: str
    target: Target
    query_string: str
    headers: Mapping[str, str]
    body: bytes
    kind: Kind | None = None
    user: User = SYSTEM
    answered: Answered = field(default_factory=Answered)

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The query's parameters, each with its first value."""
        pairs = urllib.parse.parse_qsl(self.query_string, keep_blank_values=True)
        return dict(reversed(pairs))

    @property
    def verb(self) -> str:
        """The verb, as rules and discovery name it: "get", "list", "watch", "create", …."""
        return self.target.verb(self.method, watching=self.true("watch"))

    @property
    def namespace(self) -> str:
        """The namespace of the objects meant; "" for cluster-scoped kinds and for all of them."""
        return self.target.namespace if self.kind is None or self.kind.namespaced else ""

    @property
    def attributes(self) -> Attributes:
        """What is asked of the authoriser."""
        target = self.target
        if not target.plural:
            return Attributes(self.method.lower(), path=target.path)
        return Attributes(
            self.verb,
            target.group or "",
            target.plural,
            target.subresource,
            target.namespace,
            target.name,
        )

    @property
    def manager(self) -> str:
        """The field manager: the parameter, else the user agent up to its first slash."""
        given = self.query.get("fieldManager", "")
        if len(given) > _LONGEST_MANAGER:
            raise bad_option(
                self._options,
                "fieldManager",
                "FieldValueTooLong",
                f"Too long: may not be more than {_LONGEST_MANAGER} bytes",
            )
        agent = self.headers.get("user-agent", "").split("/")[0]
        return given or agent[:_LONGEST_MANAGER] or "unknown"

    @property
    def dry_run(self) -> bool:
        """Whether dryRun=All is asked for. Raises StatusError 422 for another value."""
        given = self.query.get("dryRun", "")
        if given not in ("", "All"):
            why = f'Unsupported value: ["{given}"]: supported values: "All"'
            raise bad_option(self._options, "dryRun", "FieldValueNotSupported", why)
        return given == "All"

    @property
    def field_validation(self) -> str:
        """One of "Strict", "Warn" (also when nothing is asked for) and "Ignore"."""
        given = self.query.get("fieldValidation", "")
        if given not in _VALIDATIONS:
            listed = ", ".join(f'"{value}"' for value in _VALIDATIONS)
            why = f'Unsupported value: "{given}": supported values: {listed}'
            raise bad_option(self._options, "fieldValidation", "FieldValueNotSupported", why)
        return given or "Warn"

    @property
    def _options(self) -> str:
        names = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions"}
        return names.get(self.method, "DeleteOptions")

    def by(self, user: User) -> Call:
        """The same call, made by `user`."""
        return replace(self, user=user)

    def true(self, name: str) -> bool:
        """A boolean parameter; absent is false."""
        value = self.query.get(name)
        return value is not None and value.lower() not in ("false", "0")

    def integer(self, name: str) -> int | None:
        """An integer parameter. Raises StatusError 400 when it is none."""
        value = self.query.get(name, "")
        if not value:
            return None
        if not re.fullmatch(r"[+-]?\d+", value):
            raise bad_request(f'strconv.ParseInt: parsing "{value}": invalid syntax')
        return int(value)

    def needs_kind(self) -> Kind:
        """The kind; only for handlers of resources."""
        assert self.kind is not None
        return self.kind
