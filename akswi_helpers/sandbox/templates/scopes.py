"""What an expression can see: parameters, variables, loops, and the deployment around it.

`Host` is the deployment's side (who deploys, where, what a resource looks like now); `Scope` is
the template's. A `Scope` is never changed: a loop makes a new one.

Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions.
Left out: scopes other than a resource group's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from akswi_helpers.sandbox.templates.builtins import Value
from akswi_helpers.sandbox.templates.refusals import ExpressionRefused, Stated
from akswi_helpers.types import Json, ResourceId


class NeedsRuntime(ExpressionRefused):
    """The expression asks for something that is known only while the deployment runs."""

    def __init__(self, function: str, more: str = "") -> None:
        super().__init__(
            f"The template function '{function}' is not expected at this location. {more}"
            "Please see https://aka.ms/arm-functions for usage details."
        )


class NotKnownYet(NeedsRuntime):
    """It asks for a parameter whose value only the run will tell."""


class Host(Protocol):
    """The deployment around a template, as its functions see it."""

    def resource_group(self) -> Json:
        """The group: id, name, type, location, tags, properties."""

    def subscription(self) -> Json:
        """The subscription: id, subscriptionId, tenantId, displayName."""

    def tenant(self) -> Json:
        """The tenant: tenantId."""

    def deployment(self) -> Json:
        """The deployment: name, properties."""

    def deployer(self) -> Json:
        """Who deploys: objectId, tenantId, userPrincipalName."""

    def reference(self, target: str, api_version: str, full: bool) -> Value:
        """A resource's properties now (`full`: all of it). Raises NeedsRuntime before the run."""

    def references(self, symbol: str, full: bool) -> list[Value]:
        """The same for every resource of a loop."""


Lookup = Callable[[str], Value]  # raises ExpressionRefused for a name that is not there


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything one expression can see. `loops` holds each loop's index by lower-case name."""

    parameters: Lookup
    variables: Lookup
    host: Host
    loops: Mapping[str, int] = field(default_factory=dict)
    loop: str = ""  # what copyIndex() without a name means
    in_default: bool = False  # newGuid and utcNow are allowed

    def within(self, loop: str, index: int, *, main: bool = True) -> Scope:
        """This scope inside one turn of a loop; `main` loops answer copyIndex()."""
        loops = {**self.loops, loop.lower(): index}
        return replace(self, loops=loops, loop=loop.lower() if main else self.loop)

    @property
    def group_id(self) -> ResourceId:
        """The resource group's id, in the casing it was created with."""
        return str(self.host.resource_group()["id"])


def lookup(kind: str, values: Mapping[str, Value]) -> Lookup:
    """Find `values` whatever the name's letter case; `kind` is "parameter" or "variable"."""
    by_name = {name.lower(): value for name, value in values.items()}

    def find(name: str) -> Value:
        if name.lower() not in by_name:
            raise not_found(kind, name)
        return by_name[name.lower()]

    return find


def not_found(kind: str, name: str) -> Stated:
    """A parameter or variable that the template does not have."""
    return Stated(
        f"The template {kind} '{name}' is not found. Please see "
        f"https://aka.ms/arm-syntax-{kind}s for usage details."
    )
