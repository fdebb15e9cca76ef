"""Waiting for an effect: looking until it is there, saying so meanwhile, and for how long at most.

    until(lab, look, "the vault does not let you in yet", "…what to do then")
    lag_s(lab)      how long Azure may take until a write counts

What was written on Azure counts later: a role assignment within ten minutes, a federated credential
within a couple, a Graph write within seconds. So nobody here sleeps for a fixed time: the thing
itself is asked. Source: https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
and https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations.
Left out: telling a write that lags from one that was never made; a limit does that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from akswi_helpers import explain, places, progress
from akswi_helpers.errors import LabError, Refused

if TYPE_CHECKING:
    from akswi_helpers.lab import Lab

Found = TypeVar("Found")


class TooLate(LabError):
    """The limit of a wait has passed. `so_far` says what was not so all the time."""

    def __init__(self, so_far: str, then: str) -> None:
        super().__init__(f"{so_far}: {then}.")
        self.so_far = so_far


AZURE_LAG_S = 900.0  # ten minutes for a role, two for the kubelet's next try, and some
SAY_AGAIN_S = 10.0
LAGS = ("role-assignment", "federated-credential", "graph-write", "mount-back-off")
LASTING = ("cluster-create", "vault-create", "vault-purge", "group-delete", "scale-set-update")
# What is answered before a role, a credential or an application is known everywhere.
NOT_YET = frozenset(
    {
        "ForbiddenByRbac",
        "Forbidden",
        "AADSTS70021",
        "AADSTS70025",
        "AADSTS700016",
        "AADSTS700211",
        "AADSTS700213",
    }
)


def until(
    lab: Lab, look: Callable[[], Found], not_yet: str, then: str, limit_s: float | None = None
) -> Found:
    """What `look` finds, as soon as that is something true.

    `not_yet` says what is missing, as a sentence without its end; `then` what to do about it.
    `limit_s` is 30 seconds more than `lag_s` when it is not given. Raises TooLate, one sentence,
    when the limit passes.
    """
    limit = 30 + lag_s(lab) if limit_s is None else limit_s
    begun, told = time.monotonic(), -SAY_AGAIN_S
    while not (found := look()):
        waited = time.monotonic() - begun
        if waited > limit:
            raise TooLate(f"After {_length(limit)} {not_yet}", then)
        if waited - told >= SAY_AGAIN_S:
            progress.note(not_yet)
            told = waited
        time.sleep(max(0.2, lab.cloud.poll_s))
    return found


def answers(call: Callable[[], object]) -> bool:
    """Whether `call` is not refused; a refusal that no lag explains is raised."""
    try:
        explain.told(call)()
    except Refused as refused:
        if refused.code in NOT_YET:
            return False
        raise
    return True


def lag_s(lab: Lab) -> float:
    """How long it may take until what was written counts, in seconds.

    In the sandbox: what its dials say, which is nothing unless somebody turned one.
    """
    return _beyond_default(LAGS) if lab.cloud.is_sandbox else AZURE_LAG_S


def patience_s(lab: Lab) -> float:
    """How long a long operation may take before it is called stuck, in seconds."""
    more = _beyond_default(LASTING) if lab.cloud.is_sandbox else 0
    return lab.cloud.patience_s + more


def _beyond_default(names: tuple[str, ...]) -> float:
    from akswi_helpers.sandbox import control

    rows = control.ask(places.home(), "dials")["dials"]
    over = (row["value"] - row["default"] for row in rows if row["name"] in names)
    return float(sum(more for more in over if more > 0))


def _length(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"
