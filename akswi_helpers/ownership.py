"""Whose a thing is: the lab's tag, and the refusal to touch what does not carry it.

Everything that can carry a tag carries TAG with the resource group's name. A display name is never
proof. Beside it go two tags for whoever finds the bill: OWNER, who made the lab, and DELETE_BY, the
day by which it is meant to be gone. They are written once, when the group is made, prove nothing,
and delete nothing. Left out: things without tags; they are the lab's when their parent is (see
`clean_up`).
"""

from __future__ import annotations

from collections.abc import Mapping

from akswi_helpers.errors import LabError

TAG = "akswi-lab"
OWNER, DELETE_BY = "owner", "delete-by"


def tags(resource_group: str) -> dict[str, str]:
    """The tag of everything in the lab of `resource_group`: the one that proves it."""
    return {TAG: resource_group}


def kept(found: Mapping[str, str] | None) -> dict[str, str]:
    """Those of a group's tags that everything made later in it carries too."""
    return {name: found[name] for name in (OWNER, DELETE_BY) if found and name in found}


def is_ours(found: Mapping[str, str] | None, resource_group: str) -> bool:
    """Whether a thing with these tags was made by the lab of `resource_group`."""
    return (found or {}).get(TAG, "").lower() == resource_group.lower()


def refuse_foreign(thing: str, found: Mapping[str, str] | None, resource_group: str) -> None:
    """Raise LabError unless the tags `found` are those of the lab of `resource_group`."""
    if not is_ours(found, resource_group):
        raise LabError(f"{thing} was made by someone else; pick another name.")
