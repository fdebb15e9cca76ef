"""Random objects, stored by a real server and by us: the same."""

from __future__ import annotations

import copy

import pytest

from akswi_helpers.sandbox.cluster.rules.validation import validate_create
from akswi_helpers.sandbox.cluster.tables.defaulting import apply_defaults, prepare_new
from tests.sandbox.cluster.objects.judge.generate import KINDS, Generator
from tests.sandbox.cluster.objects.judge.real import Real, comparable, path_of

pytestmark = [pytest.mark.judge, pytest.mark.clients]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.kind))
def test_create_stores_what_the_real_server_stores(real: Real, kind: object, seed: int) -> None:
    chosen = next(one for one in KINDS if one is kind)
    generator = Generator(seed)
    for _ in range(40):
        sent = generator.obj(chosen, "judged")
        status, stored = real.call("POST", f"{path_of(chosen)}?dryRun=All", sent)
        assert status == 201, stored
        ours = prepare_new(chosen, apply_defaults(chosen, copy.deepcopy(sent)))
        stored["metadata"].pop("managedFields", None)
        assert comparable(ours) == comparable(stored)
        assert validate_create(chosen, stored) == []
