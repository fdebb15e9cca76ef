"""Which target, resource group, region and scenarios: what was asked for, checked.

Order: the notebook's parameter; AKSWI_TARGET, AKSWI_RESOURCE_GROUP, AKSWI_LOCATION; where a person
sits, the choice kept in `choice.json`; else sandbox, `akswi`, the group's own region. A parameter
that papermill passed is never kept. When a lab is meant to be gone, AKSWI_DELETE_BY says, a date.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from akswi_helpers import places
from akswi_helpers.errors import UsageError
from akswi_helpers.scenarios import Scenario, chosen

TARGETS = ("sandbox", "azure")
DEFAULT_GROUP = "akswi"
DEFAULT_LOCATION = "westeurope"
DEFAULT_DAYS = 2  # that a lab is meant to live

# Letters, digits, _ . ( ) and -, at most 90, not ending in a dot: Azure's rule for resource groups,
# narrowed to ASCII because the name also becomes a folder and part of the node group's name.
_GROUP = re.compile(r"[A-Za-z0-9_.()-]{0,89}[A-Za-z0-9_()-]")
_LOCATION = re.compile(r"[a-z0-9]{3,30}")
# AKS names the node group MC_<group>_<cluster>_<region>; Azure allows 80 characters there.
_LONGEST_GROUP = 80 - len("MC__aks-akswi_") - len("australiacentral2")


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a notebook, or `akswi run`, works on. `location` None: the group's own region."""

    target: str
    resource_group: str
    location: str | None
    scenarios: tuple[Scenario, ...]


def settle(
    target: str | None = None,
    resource_group: str | None = None,
    location: str | None = None,
    scenarios: str | Sequence[str] | None = None,
) -> Parameters:
    """The four parameters, each from the first place that names it, each checked.

    Raises UsageError when one cannot be meant.
    """
    kept = _choice() if somebody_sits_here() else {}

    def first(given: str | None, name: str) -> str | None:
        return given or os.environ.get(f"AKSWI_{name.upper()}") or kept.get(name)

    where = first(location, "location")
    return Parameters(
        _target(first(target, "target") or TARGETS[0]),
        _group(first(resource_group, "resource_group") or DEFAULT_GROUP),
        _location(where) if where else None,
        chosen(scenarios if scenarios is not None else kept.get("scenarios")),
    )


def keep(**choices: str) -> None:
    """Remember a learner's choice (target, resource_group, location, scenarios) for next time."""
    settle(**choices)
    _choice_file().write_text(json.dumps({**_choice(), **choices}, indent=2) + "\n")
    _choice_file().chmod(0o600)


def somebody_sits_here(env: Mapping[str, str] | None = None) -> bool:
    """Whether a person is at this notebook: JupyterLab or VS Code, and not a headless run."""
    env = os.environ if env is None else env
    return not headless(env) and ("JPY_SESSION_NAME" in env or "VSCODE_PID" in env)


def headless(env: Mapping[str, str] | None = None) -> bool:
    """Whether outputs must be the same on every run: the runner and nbval say so."""
    return (os.environ if env is None else env).get("AKSWI_HEADLESS") == "1"


def delete_by(env: Mapping[str, str] | None = None) -> str:
    """The day, in UTC, by which a lab made now is meant to be gone: "2026-11-26".

    AKSWI_DELETE_BY, else the day after tomorrow. Raises UsageError for what is not a coming day.
    """
    today = datetime.now(UTC).date()
    said = (os.environ if env is None else env).get("AKSWI_DELETE_BY")
    if not said:
        return (today + timedelta(days=DEFAULT_DAYS)).isoformat()
    try:
        day = date.fromisoformat(said)
    except ValueError:
        day = date.min
    if day < today:
        raise UsageError(f"AKSWI_DELETE_BY is '{said}': it takes a coming day, as 2026-11-26.")
    return day.isoformat()


def _target(name: str) -> str:
    if name not in TARGETS:
        raise UsageError(f"There is no target '{name}'; choose sandbox or azure.")
    return name


def _group(name: str) -> str:
    if len(name) > _LONGEST_GROUP:
        raise UsageError(
            f"The resource group '{name}' is too long: at most {_LONGEST_GROUP} characters, "
            "because AKS builds the name of its node group from it."
        )
    if not _GROUP.fullmatch(name):
        raise UsageError(
            f"'{name}' cannot be a resource group: Azure takes letters, digits, '_', '-', '.', "
            "'(' and ')', and no dot at the end."
        )
    return name


def _location(name: str) -> str:
    plain = name.lower().replace(" ", "")
    if not _LOCATION.fullmatch(plain):
        raise UsageError(f"'{name}' cannot be an Azure region; one is called 'westeurope'.")
    return plain


def _choice_file() -> Path:
    return places.home() / "choice.json"


def _choice() -> dict[str, str]:
    try:
        read = json.loads(_choice_file().read_text())
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in read.items()} if isinstance(read, dict) else {}
