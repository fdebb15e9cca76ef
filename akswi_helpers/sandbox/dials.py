"""The dials of a sandbox: how long Azure takes, and how often it fails, as a learner sets it.

    world.state(Dials).value("role-assignment")             what it stands at
    {"command": "dials", "set": {"role-assignment": 600}}   at the control door

Every dial stands at a value that makes nobody wait and nothing fail; `documented` is what Azure or
Kubernetes says of itself. All are measured by the sandbox's clock, so that a moved clock ends a
wait. Settings are kept with the state. Left out: dials per lab or per caller; how long a whole
deployment takes, which is as long as its slowest parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from akswi_helpers.sandbox.control import ControlError
from akswi_helpers.sandbox.wire import POLL_HEADERS
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, Seconds


@dataclass(frozen=True, slots=True)
class Dial:
    """One thing that can be set: its name, where it stands at first, what is documented.

    `number` is False where the source gives no number, and `documented` is this project's reading.
    """

    name: str
    default: float
    documented: float
    highest: float
    unit: str
    meaning: str
    source: str
    number: bool = True


_TIMES = (
    Dial(
        "mount-back-off", 2, 122, 600, "s",
        "the longest that a kubelet waits before it tries again to mount a volume",
        "kubernetes pkg/util/goroutinemap/exponentialbackoff: 2 min 2 s",
    ),
    Dial(
        "role-assignment", 0, 600, 3600, "s",
        "until a role assignment counts, or no longer counts, for control and data planes",
        "learn.microsoft.com/azure/role-based-access-control/troubleshooting: up to 10 minutes",
    ),
    Dial(
        "federated-credential", 0, 120, 3600, "s",
        "until Entra's token endpoint sees a new, changed or removed federated credential",
        "learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations: "
        "requests right after may fail for a couple of minutes",
    ),
    Dial(
        "graph-write", 0, 30, 600, "s",
        "until a Graph write is seen by Graph's reads and by the token endpoint",
        "Graph calls itself eventually consistent; seconds are seen, and az waits up to 180 s",
        number=False,
    ),
    Dial(
        "cluster-create", 0, 300, 3600, "s",
        "how long an AKS cluster is Creating",
        "AKS quickstart: about 5 minutes; 3 min 53 s in a recorded exchange",
    ),
    Dial(
        "vault-create", 0, 30, 600, "s",
        "how long a new vault is RegisteringDns; it can be used meanwhile",
        "recorded exchanges: about 30 s",
    ),
    Dial(
        "vault-purge", 0, 19, 600, "s",
        "how long a purge takes, and the vault's name with it",
        "observed: about 19 s",
    ),
    Dial(
        "group-delete", 0, 240, 3600, "s",
        "how long a resource group is Deleting",
        "with a cluster in it: several minutes",
        number=False,
    ),
    Dial(
        "scale-set-update", 0, 30, 600, "s",
        "how long a change of a scale set's identities is InProgress",
        "tens of seconds are seen",
        number=False,
    ),
    Dial(
        "retry-after", 0, 15, 120, "s",
        "how long a client is asked to wait between two looks at an operation (0: 50 ms)",
        "recorded exchanges of deleting a resource group: Retry-After: 15",
    ),
)  # fmt: skip

SERVICES = {  # name as in wire.Service -> what it documents of its limits
    "entra": "Entra ID publishes no limit for client credentials",
    "arm": "a bucket of 200 writes, 10 more each second, and of 250 reads, 25 more each second",
    "graph": "limits by application and tenant, in resource units",
    "keyvault": "4,000 requests in 10 s for each vault",
    "imds": "the metadata service asks to retry 429 and 5xx",
    "kubernetes": "AKS's API server has priority and fairness, and no published number",
}


def throttle(service: str) -> str:
    """The name of the dial that says every how manieth request to a service gets 429."""
    return f"throttle-{service}"


def fail(service: str) -> str:
    """The name of the dial that says how many of 100 requests to a service get 503."""
    return f"fail-{service}"


_FAULTS = tuple(
    dial
    for service, limit in SERVICES.items()
    for dial in (
        Dial(
            throttle(service), 0, 0, 1e6, "", f"one request of so many to {service} is refused "
            "with 429 and Retry-After (0: none)", limit,
        ),
        Dial(
            fail(service), 0, 0, 100, "%", f"so many requests to {service} get a passing 503 (500 "
            "in Kubernetes) before anything is done", "nobody documents how often", number=False,
        ),
    )
)  # fmt: skip

DIALS = _TIMES + _FAULTS
_NAMED = {dial.name: dial for dial in DIALS}


class Dials:
    """Where this sandbox's dials stand. `faulty` says whether any request can be turned away."""

    def __init__(self, world: World) -> None:
        self._world, self._set = world, world.table("dials")
        self.faulty = self._any_fault()

    def value(self, name: str) -> float:
        """What the dial stands at, in its unit."""
        kept = self._set.get(name)
        return float(kept["value"]) if kept else _NAMED[name].default

    def poll_headers(self) -> Mapping[str, str]:
        """The headers that tell a client when to look at an operation again."""
        seconds = int(self.value("retry-after"))
        return {"retry-after": str(seconds)} if seconds else POLL_HEADERS

    def due(self, name: str, since: Seconds) -> bool:
        """Whether what began at `since` has taken as long as the dial of that name says."""
        return since + self.value(name) <= self._world.clock.now()

    def turn(self, wanted: Mapping[str, float]) -> None:
        """Set dials by name, all or none. Raises ControlError, one sentence, for a wrong one."""
        checked = {name: _checked(name, value) for name, value in wanted.items()}
        with self._world.transaction():
            for name, value in checked.items():
                self._set.put(name, {"value": value})
        self.faulty = self._any_fault()

    def rows(self) -> list[Json]:
        """Every dial with what it stands at, in the order of DIALS."""
        return [
            {
                "name": dial.name,
                "value": self.value(dial.name),
                "default": dial.default,
                "documented": dial.documented,
                "number": dial.number,
                "unit": dial.unit,
                "meaning": dial.meaning,
                "source": dial.source,
            }
            for dial in DIALS
        ]

    def _any_fault(self) -> bool:
        return any(self.value(dial.name) for dial in _FAULTS)


def _checked(name: str, value: object) -> float:
    dial = _NAMED.get(name)
    if dial is None:
        raise ControlError(f"There is no dial '{name}'; there are {', '.join(_NAMED)}.")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ControlError(f"{name} takes a number, not {value!r}.")
    if not 0 <= value <= dial.highest:
        raise ControlError(f"{name} takes 0 to {dial.highest:g} {dial.unit}, not {value:g}.")
    return float(value)
