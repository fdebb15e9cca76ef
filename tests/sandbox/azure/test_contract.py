"""Every service of Azure's is written in the same shape, and says truly what it serves."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path
from types import ModuleType

import pytest

from akswi_helpers.sandbox import azure
from akswi_helpers.sandbox.azure.arm.property_tables import arm_data
from akswi_helpers.sandbox.wire import Route

PARTS = ["# 1 · Shapes", "# 2 · State", "# 3 · Errors", "# 4 · Routes"]
FRONT = f"{azure.__name__}.arm.service"  # serves what the others list


def _services() -> list[ModuleType]:
    found = pkgutil.walk_packages(azure.__path__, f"{azure.__name__}.")
    modules = [importlib.import_module(one.name) for one in found]
    return [one for one in modules if hasattr(one, "ROUTES") and one.__name__ != FRONT]


def _named(module: ModuleType) -> str:
    return module.__name__.removeprefix(f"{azure.__name__}.")


SERVICES = _services()


@pytest.mark.parametrize("module", SERVICES, ids=_named)
def test_service_file_has_its_four_parts_in_order(module: ModuleType) -> None:
    text = Path(str(module.__file__)).read_text()
    assert re.findall(r"^# \d · \w+", text, re.MULTILINE) == PARTS


@pytest.mark.parametrize("module", SERVICES, ids=_named)
def test_docstring_lists_exactly_the_routes(module: ModuleType) -> None:
    told = re.findall(r"^    ([A-Z]+) +(\S+)", module.__doc__ or "", re.MULTILINE)
    served = [(route.method, route.path) for route in module.ROUTES]
    assert bool(told) == bool(served)
    assert all(any(_same(one, route) for route in served) for one in told)
    assert all(any(_same(one, route) for one in told) for route in served)


@pytest.mark.parametrize("module", SERVICES, ids=_named)
def test_every_route_under_resource_manager_has_a_type_with_known_versions(
    module: ModuleType,
) -> None:
    routes: tuple[Route, ...] = module.ROUTES
    typed = [route for route in routes if route.path.startswith(("/subscriptions", "/{scope+}"))]
    assert all(route.type in arm_data("api-versions") for route in typed)


def _same(told: tuple[str, str], served: tuple[str, str]) -> bool:
    """Whether a docstring's line means a route; "…" stands for the path's beginning."""
    path = told[1]
    fits = served[1].endswith(path[1:]) if path.startswith("…") else served[1] == path
    return told[0] == served[0] and fits
