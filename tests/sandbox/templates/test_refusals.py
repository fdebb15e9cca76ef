"""Templates are refused in the words of the real engine; columns depend on a text's layout."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import cast

import pytest

from akswi_helpers.sandbox.templates.foreseeing import body_so_far
from akswi_helpers.sandbox.templates.hosts import Ahead
from akswi_helpers.sandbox.templates.outputs import outputs
from akswi_helpers.sandbox.templates.prepared import prepare
from akswi_helpers.sandbox.templates.refusals import TemplateRefused
from akswi_helpers.types import Json

from .conftest import Desk
from .test_planning import ENVELOPE

REFUSALS: list[Json] = json.loads((Path(__file__).parent / "refusals.json").read_text())["refusals"]


def refused(template: Json) -> str:
    """Why a template is refused before it runs; "" when it is not."""
    try:
        ready = prepare(cast("Ahead", Desk()), {**ENVELOPE, **template}, {})
        for planned in ready.plan.resources.values():
            body_so_far(planned)
        outputs(ready.template, ready.scope)
    except TemplateRefused as error:
        return error.message
    return ""


def plain(text: str) -> str:
    """`text` without columns and blanks."""
    return re.sub(r"column '\d+'|\s", "", text)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: str(refusal["name"]))
def test_template_is_refused_in_the_words_of_the_real_engine(refusal: Json) -> None:
    expected = f"Deployment template validation failed: '{refusal['reason']}'."
    assert plain(refused(refusal["template"])) == plain(expected)
