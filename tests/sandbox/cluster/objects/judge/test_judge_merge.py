"""Random strategic merge patches, by a real server and by us: the same."""

from __future__ import annotations

import copy

import pytest

from akswi_helpers.sandbox.cluster.merging.merge import PatchRefused, strategic_merge
from akswi_helpers.sandbox.cluster.rules.validation import invalid_message, pruned, validate_update
from akswi_helpers.sandbox.cluster.tables.defaulting import apply_defaults
from akswi_helpers.sandbox.cluster.tables.kinds import Kind
from tests.sandbox.cluster.objects.judge.generate import MERGED, Generator, Obj
from tests.sandbox.cluster.objects.judge.real import STRATEGIC, Real, comparable, path_of

pytestmark = [pytest.mark.judge, pytest.mark.clients]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", MERGED, ids=lambda kind: str(kind.kind))
def test_strategic_merge_gives_what_the_real_server_gives(
    real: Real, kind: Kind, seed: int
) -> None:
    generator, name = Generator(seed), f"merged-{seed}"
    path, same = path_of(kind, name), 0
    sent = generator.obj(kind, name)
    sent["metadata"].pop("finalizers", None)
    if kind.kind == "Deployment":
        sent["spec"]["paused"] = True  # so that its controller leaves it alone
    assert real.call("POST", path_of(kind), sent)[0] == 201
    for _ in range(60):
        _, live = real.call("GET", path)
        patch = generator.patch(kind, live, generator.obj(kind, name))
        status, theirs = real.call("PATCH", f"{path}?dryRun=All", patch, STRATEGIC)
        ours, refused = merged(kind, live, patch)
        if refused:
            assert refused == (status, theirs.get("message")), patch
            continue
        if status != 200:
            said = invalid_message(kind, name, validate_update(kind, ours, live))
            assert sorted(said) == sorted(theirs["message"]), (said, theirs["message"])
            continue
        assert strip(comparable(ours)) == strip(comparable(theirs)), patch
        same += 1
    assert same > 20


def merged(kind: Kind, live: Obj, patch: Obj) -> tuple[Obj, tuple[int, str] | None]:
    """The object as we would store it, or the status and words of our refusal."""
    try:
        patched = strategic_merge(kind, copy.deepcopy(live), patch)
    except PatchRefused as error:
        return {}, (error.status, error.message)
    return apply_defaults(kind, pruned(kind, patched)), None


def strip(obj: object) -> object:
    """Without the managers, which a patch changes and the merge does not know."""
    assert isinstance(obj, dict)
    obj["metadata"].pop("managedFields", None)
    return obj
