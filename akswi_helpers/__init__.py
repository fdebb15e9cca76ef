"""How an app on AKS reads a secret from Key Vault without holding a password, five ways.

Notebooks call the modules beside this file; the sandbox under `sandbox/` is what they talk to by
default. Importing this package imports no SDK: `from akswi_helpers import apps, open_lab` loads a
module when it is named.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = [
    "application",
    "apps",
    "clean_up",
    "cluster",
    "cost",
    "events",
    "evidence",
    "explain",
    "identity",
    "infrastructure",
    "node_identity",
    "open_lab",
    "pod_tokens",
    "preflight",
    "scenarios",
    "vault_access",
    "vaults",
]


def __getattr__(name: str) -> Any:
    if name == "open_lab":
        return importlib.import_module("akswi_helpers.lab").open_lab
    if name in __all__:
        return importlib.import_module(f"akswi_helpers.{name}")
    raise AttributeError(f"module 'akswi_helpers' has no attribute {name!r}")
