"""Ownership: a tag is proof, a name is not."""

import pytest

from akswi_helpers import ownership
from akswi_helpers.errors import LabError


def test_a_thing_with_the_lab_s_tag_is_ours() -> None:
    assert ownership.is_ours(ownership.tags("akswi"), "akswi")
    assert ownership.is_ours({"akswi-lab": "AKSWI", "more": "yes"}, "akswi")


@pytest.mark.parametrize("tags", [None, {}, {"akswi-lab": "other"}, {"lab": "akswi"}])
def test_any_other_thing_is_refused(tags: dict[str, str] | None) -> None:
    assert not ownership.is_ours(tags, "akswi")
    with pytest.raises(LabError, match="made by someone else; pick another name"):
        ownership.refuse_foreign("'kv-1'", tags, "akswi")
