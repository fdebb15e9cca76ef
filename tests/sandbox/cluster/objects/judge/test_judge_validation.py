"""Objects with one or two faults, refused by a real server and by us: in the same words."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from akswi_helpers.sandbox.cluster.rules.validation import validate_create
from akswi_helpers.sandbox.cluster.tables.decoding import decode_errors
from akswi_helpers.sandbox.cluster.tables.defaulting import apply_defaults, prepare_new
from akswi_helpers.sandbox.cluster.tables.kinds import Kind
from tests.sandbox.cluster.objects.judge.generate import (
    CONFIG,
    CRON_JOB,
    DAEMON_SET,
    DEPLOYMENT,
    POD,
    REPLICA_SET,
    SECRET,
    SERVICE,
    Generator,
)
from tests.sandbox.cluster.objects.judge.real import Real, path_of

pytestmark = [pytest.mark.judge, pytest.mark.clients]

BAD: tuple[Any, ...] = (
    "",
    "Bad_Name",
    "a b",
    "../up",
    "/abs",
    "-x-",
    "x" * 70,
    -1,
    0,
    70000,
    None,
    [],
    {},
    True,
    "1Kb",
    "5%",
    "a=b",
    "metadata.nope",
)
JUDGED = (POD, CONFIG, SECRET, SERVICE, DEPLOYMENT, REPLICA_SET, DAEMON_SET, CRON_JOB)


def spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside a value."""
    inner: Any = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    found = [path] if path else []
    for name, one in inner:
        found += spots(one, (*path, name))
    return found


def spoiled(obj: Any, path: tuple[Any, ...], bad: Any) -> None:
    """Put `bad` at the path."""
    for step in path[:-1]:
        obj = obj[step]
    obj[path[-1]] = bad


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", JUDGED, ids=lambda kind: str(kind.kind))
def test_fault_is_refused_in_the_real_server_s_words(real: Real, kind: Kind, seed: int) -> None:
    generator, refused, differing = Generator(seed), 0, []
    for _ in range(60):
        sent = generator.obj(kind, "judged")
        inside = [path for path in spots(sent) if path[0] not in ("apiVersion", "kind")]
        path, bad = generator.one(inside), generator.one(BAD)
        spoiled(sent, path, bad)
        if not isinstance(sent.get("metadata"), dict) or _known_to_differ(path, bad):
            continue
        status, answer = real.call("POST", f"{path_of(kind)}?dryRun=All", sent)
        said = _theirs(status, answer)
        refused += status != 201
        if _ours(kind, sent) != said:
            differing.append((sent, said, _ours(kind, sent)))
    assert differing == []
    assert refused > 5


def _known_to_differ(path: tuple[Any, ...], bad: Any) -> bool:
    """Go tells an empty map from none, and takes a list of numbers for bytes; we do neither."""
    return (path[-1] == "labels" and bad == {}) or ("data" in path and bad == [])


def _theirs(status: int, answer: dict[str, Any]) -> Any:
    if status == 422:
        causes = (answer.get("details") or {}).get("causes") or []
        return sorted((one["field"], one["reason"], one["message"]) for one in causes)
    return "" if status == 201 else answer["message"].partition(" cannot be handled as a ")[2]


def _ours(kind: Kind, sent: dict[str, Any]) -> Any:
    wrong = decode_errors(kind, sent)
    if wrong:
        return f"{kind.kind}: {wrong[0]}"
    stored = prepare_new(kind, apply_defaults(kind, copy.deepcopy(sent)))
    if kind is POD:
        stored["spec"].setdefault("serviceAccountName", "default")  # as admission does
    errors = validate_create(kind, stored)
    return sorted((one.field, one.reason, one.message) for one in errors) if errors else ""
