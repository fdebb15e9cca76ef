"""What the sandbox answers and what it refuses as `NotEmulated`, told by the sandbox's own tables.

    python -m akswi_helpers.sandbox.coverage     writes COVERAGE.md beside this file

Source: the services' routes, the cluster's kinds, the template language's functions; nothing is
typed by hand, and a test holds the page to it. Left out: which parameters of an operation are
understood; one that is not is refused by name.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from akswi_helpers.sandbox import services, templates
from akswi_helpers.sandbox.azure.arm import stored
from akswi_helpers.sandbox.azure.arm.property_tables import arm_data
from akswi_helpers.sandbox.cluster.api.door import NOT_EMULATED as KINDS_NOT_EMULATED
from akswi_helpers.sandbox.cluster.api.subresources import ANSWERED
from akswi_helpers.sandbox.cluster.tables.kinds import Kind, builtin
from akswi_helpers.sandbox.templates.builtins import BUILT_INS
from akswi_helpers.sandbox.templates.evaluate import LAZY
from akswi_helpers.sandbox.templates.surroundings import NOT_EMULATED, SURROUNDINGS
from akswi_helpers.sandbox.wire import Route

PAGE = Path(__file__).with_name("COVERAGE.md")
_HEAD = """# What the sandbox emulates

Written by `python -m akswi_helpers.sandbox.coverage`; do not edit. Any operation that is not listed
here, and any parameter that is not understood, is refused by name, with 501 `NotEmulated` where
Azure would have answered. `…` stands for
`/subscriptions/{subscription}/resourceGroups/{group}/providers`.
"""
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers"


def page() -> str:
    """The whole page, as Markdown."""
    parts = [
        _HEAD,
        *(_service(host) for host in services.MODULES),
        _stored(),
        _types(),
        _functions(),
        _kinds(),
    ]
    return "\n".join(parts)


def _service(host: str) -> str:
    emulated = tuple(route for route in _routes(host) if route.type not in stored.TYPES)
    rows = [f"| `{_short(path)}` | {ways} |" for path, ways in _by_path(emulated)]
    return "\n".join([f"## {host}", "", "| path | methods |", "|---|---|", *rows, ""])


def _routes(host: str) -> tuple[Route, ...]:
    found: tuple[Route, ...] = services.module_of(host).SERVICE.routes
    return found


def _by_path(routes: tuple[Route, ...]) -> Iterator[tuple[str, str]]:
    """Each path once, with its methods in the order of the routes."""
    methods: dict[str, list[str]] = {}
    for route in routes:
        methods.setdefault(route.path, []).append(route.method)
    return ((path, " ".join(ways)) for path, ways in methods.items())


def _short(path: str) -> str:
    return path.replace(_GROUP, "…")


def _stored() -> str:
    lines = [f"- {kind}" for kind in stored.TYPES]
    said = (
        "Written, read, listed and deleted as they were sent, also by templates; nothing comes of "
        "them: no image can be pulled, nothing is measured, nobody is alerted."
    )
    return "\n".join(["## Resource types that are stored, not emulated", "", said, "", *lines, ""])


def _types() -> str:
    served = {route.type for route in _routes("management.azure.com")}
    refused = sorted(kind for kind in arm_data("api-versions") if kind not in served)
    lines = [f"- {kind}" for kind in refused]
    return "\n".join(["## Resource types that are known and not emulated", "", *lines, ""])


def _functions() -> str:
    for module in pkgutil.iter_modules(templates.__path__):
        importlib.import_module(f"{templates.__name__}.{module.name}")
    known = {one.name for one in BUILT_INS.values()} | set(SURROUNDINGS) | set(LAZY)
    return (
        f"## Functions of the template language\n\nEvaluated: {_list(known)}.\n\n"
        f"Not emulated: {_list(NOT_EMULATED)}, and every `list…`.\n"
    )


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names, key=str.lower))


def _kinds() -> str:
    rows = [_kind(kind) for kind in builtin().all()]
    head = ["| apiVersion | kind | verbs and parts | not emulated |", "|---|---|---|---|"]
    return "\n".join(["## The cluster", "", *head, *rows, ""])


def _kind(kind: Kind) -> str:
    verbs = [] if kind.kind in KINDS_NOT_EMULATED else sorted(kind.verbs)
    parts = [f"/{part.name}" for part in kind.parts if part.name in ANSWERED]
    refused = sorted(set(kind.verbs) - set(verbs))
    refused += [f"/{part.name}" for part in kind.parts if part.name not in ANSWERED]
    ways = " ".join([*verbs, *parts])
    return f"| {kind.api_version} | {kind.kind} | {ways} | {' '.join(refused)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
