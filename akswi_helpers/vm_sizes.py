"""What the name of a machine size tells: its cores, and the family whose quota they count against.

    size_of("Standard_D2s_v5")      Size(2, "standardDSv5Family", "Standard DSv5 Family vCPUs")

Source: https://learn.microsoft.com/azure/virtual-machines/vm-naming-conventions. Left out: sizes of
before that convention, and those whose family is called otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SIZE = re.compile(r"Standard_([A-Z]+)(\d+)(?:-\d+)?([a-z]*)(?:_v(\d+))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Size:
    """A machine size. `family` is its quota's name, `plain` the same for people."""

    cores: int
    family: str
    plain: str


def size_of(name: str) -> Size | None:
    """What "Standard_D2s_v5" takes; None for a name that does not tell."""
    found = _SIZE.fullmatch(name)
    if not found:
        return None
    letters, cores, features, version = found.groups()
    line = f"{letters.upper()}{features.upper()}{f'v{version}' if version else ''}"
    return Size(int(cores), f"standard{line}Family", f"Standard {line} Family vCPUs")
