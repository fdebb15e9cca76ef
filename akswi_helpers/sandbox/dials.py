"""The dials of a sandbox: how long Azure takes, and how often it fails, as a learner sets it.

    world.state(Dials).value("mount-back-off")     what it stands at
    {"command": "dials", "set": {"mount-back-off": 122}}    at the control door

Every dial stands at a value that makes nobody wait; `documented` is what Azure or Kubernetes says
of itself. Settings are kept with the state. Left out: dials per lab or per caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from akswi_helpers.sandbox.control import ControlError
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json


@dataclass(frozen=True, slots=True)
class Dial:
    """One thing that can be set: its name, where it stands at first, what is documented."""

    name: str
    default: float
    documented: float
    highest: float
    unit: str
    meaning: str
    source: str


DIALS = (
    Dial(
        "mount-back-off", 2, 122, 600, "s",
        "the longest that a kubelet waits before it tries again to mount a volume",
        "kubernetes pkg/util/goroutinemap/exponentialbackoff: 2 min 2 s",
    ),
)  # fmt: skip

_NAMED = {dial.name: dial for dial in DIALS}


class Dials:
    """Where this sandbox's dials stand."""

    def __init__(self, world: World) -> None:
        self._world, self._set = world, world.table("dials")

    def value(self, name: str) -> float:
        """What the dial stands at, in its unit."""
        kept = self._set.get(name)
        return float(kept["value"]) if kept else _NAMED[name].default

    def turn(self, wanted: Mapping[str, float]) -> None:
        """Set dials by name, all or none. Raises ControlError, one sentence, for a wrong one."""
        checked = {name: _checked(name, value) for name, value in wanted.items()}
        with self._world.transaction():
            for name, value in checked.items():
                self._set.put(name, {"value": value})

    def rows(self) -> list[Json]:
        """Every dial with what it stands at, in the order of DIALS."""
        return [
            {
                "name": dial.name,
                "value": self.value(dial.name),
                "default": dial.default,
                "documented": dial.documented,
                "unit": dial.unit,
                "meaning": dial.meaning,
                "source": dial.source,
            }
            for dial in DIALS
        ]


def _checked(name: str, value: object) -> float:
    dial = _NAMED.get(name)
    if dial is None:
        raise ControlError(f"There is no dial '{name}'; there are {', '.join(_NAMED)}.")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ControlError(f"{name} takes a number, not {value!r}.")
    if not 0 <= value <= dial.highest:
        raise ControlError(f"{name} takes 0 to {dial.highest:g} {dial.unit}, not {value:g}.")
    return float(value)
