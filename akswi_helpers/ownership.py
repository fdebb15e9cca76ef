"""Whose a thing is: the lab's tag, and the refusal to touch what does not carry it.

Everything that can carry a tag carries TAG with the resource group's name. A display name is never
proof. Left out: things without tags; they are the lab's when their parent is (see `clean_up`).
"""

from __future__ import annotations

from collections.abc import Mapping

from akswi_helpers.errors import LabError

TAG = "akswi-lab"


def tags(resource_group: str) -> dict[str, str]:
    """The tags of everything in the lab of `resource_group`."""
    return {TAG: resource_group}


def is_ours(found: Mapping[str, str] | None, resource_group: str) -> bool:
    """Whether a thing with these tags was made by the lab of `resource_group`."""
    return (found or {}).get(TAG, "").lower() == resource_group.lower()


def refuse_foreign(thing: str, found: Mapping[str, str] | None, resource_group: str) -> None:
    """Raise LabError unless the tags `found` are those of the lab of `resource_group`."""
    if not is_ours(found, resource_group):
        raise LabError(f"{thing} was made by someone else; pick another name.")
