"""The registry: what it says of a module is what the module says of itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

from akswi_helpers.sandbox import services
from akswi_helpers.sandbox.dispatch import Services


@pytest.mark.parametrize("pattern", services.MODULES)
def test_module_serves_the_hosts_it_is_registered_for(pattern: str) -> None:
    assert services.module_of(pattern).SERVICE.hosts == (pattern,)


@pytest.mark.parametrize(
    "host",
    ["management.azure.com", "kv.vault.azure.net", "a.b.vault.azure.net", "vault.azure.net", "x"],
)
def test_lazy_registry_finds_what_a_plain_one_finds(host: str) -> None:
    plain = Services(tuple(services.module_of(one).SERVICE for one in services.MODULES))
    assert services.load().of(host) is plain.of(host)
    assert list(services.load().hosts()) == list(plain.hosts())


PROVIDERS = "management.azure.com"  # its routes are in its providers' files


@pytest.mark.parametrize("pattern", [one for one in services.MODULES if one != PROVIDERS])
def test_module_names_in_its_docstring_the_routes_it_has(pattern: str) -> None:
    module = services.module_of(pattern)
    documented = (module.__doc__ or "").split()
    assert [route.path for route in module.SERVICE.routes if route.path not in documented] == []


def test_starting_does_not_import_the_template_language() -> None:
    code = "import sys, akswi_helpers.sandbox.server; print('lark' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"
