"""Fixtures for the template engine: a scope without a deployment, and the Bicep command line."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from akswi_helpers.sandbox.templates.scopes import NeedsRuntime, Scope, lookup
from akswi_helpers.types import Json

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
TENANT = "11111111-1111-1111-1111-111111111111"
GROUP_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/akswiwe"


class Desk:
    """A host that knows the group and nothing else: what a template is before it runs."""

    template: ClassVar[Json] = {}
    id = f"{GROUP_ID}/providers/Microsoft.Resources/deployments/main"

    def resource_group(self) -> Json:
        kind = {"type": "Microsoft.Resources/resourceGroups", "location": "westeurope"}
        more: Json = {"tags": {}, "managedBy": None, "properties": {}}
        return {"id": GROUP_ID, "name": "akswiwe", **kind, **more}

    def subscription(self) -> Json:
        return {"id": f"/subscriptions/{SUBSCRIPTION}", "subscriptionId": SUBSCRIPTION}

    def tenant(self) -> Json:
        return {"tenantId": TENANT}

    def deployment(self) -> Json:
        return {"name": "main", "properties": {}}

    def deployer(self) -> Json:
        return {"objectId": "22222222-2222-2222-2222-222222222222", "tenantId": TENANT}

    def reference(self, target: str, api_version: str, full: bool) -> Any:
        raise NeedsRuntime("reference")

    def references(self, symbol: str, full: bool) -> list[Any]:
        raise NeedsRuntime("references")


def scope_of(
    parameters: Mapping[str, Any] | None = None, variables: Mapping[str, Any] | None = None
) -> Scope:
    """A scope with these parameters and variables."""
    found = lookup("parameter", parameters or {}), lookup("variable", variables or {})
    return Scope(*found, Desk())


Bicep = Callable[..., str]


@pytest.fixture(scope="session")
def bicep() -> Bicep:
    """Run the real Bicep command line; skips where it is missing."""
    root = Path(__file__).resolve().parents[3]
    tool = root.parent / "shared" / "tools" / "bicep" / "bicep"
    if not tool.is_file():
        pytest.skip(f"no Bicep command line at {tool}")

    def run(*arguments: str, given: str = "") -> str:
        done = subprocess.run(
            [str(tool), *arguments], input=given, capture_output=True, text=True, check=True
        )
        return done.stdout + done.stderr

    return run
