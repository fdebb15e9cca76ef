"""Until Entra's replicas agree: what was just written is not everywhere at once.

    accepted(lab, call)                 what `call` returns once it is no longer refused for that
    shown(lab, look, "does not list …") what `look` finds once Entra shows it
    exchanged(lab, works=True)          once a token of app 2's account is taken

For `application`. Source: Graph is eventually consistent; az waits for 180 seconds. Left out: a
header that asks Graph for its newest replica; applications have none.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from akswi_helpers import explain, progress, waiting
from akswi_helpers.errors import Refused

if TYPE_CHECKING:
    from akswi_helpers.lab import Lab

Found = TypeVar("Found")

AZURE_S = 180
TAKEN = "Request_MultipleObjectsWithSameKeyValue"  # a write that is there, and not listed yet
_NOT_YET = (
    "does not reference a valid application",
    "must in the local tenant",
    "does not exist or one of its queried",
)


def accepted(lab: Lab, call: Callable[[], Found]) -> Found:
    """What `call` returns once every replica knows what it is about; its last refusal else."""
    end = time.monotonic() + limit_s(lab)
    while True:
        try:
            return explain.told(call)()
        except Refused as refused:
            if not _may_pass(refused) or time.monotonic() > end:
                raise
        progress.note("Entra ID does not know it everywhere yet")
        time.sleep(max(0.2, lab.cloud.poll_s))


def written(lab: Lab, call: Callable[[], object]) -> None:
    """Send what `call` sends; what Entra has already and does not list yet is there."""
    try:
        accepted(lab, call)
    except Refused as refused:
        if refused.code != TAKEN or not waiting.lag_s(lab):
            raise


def shown(lab: Lab, look: Callable[[], Found], missing: str) -> Found:
    """What `look` finds, as soon as it is something true.

    `missing` ends the sentence that begins with "Entra ID". Raises TooLate after the limit.
    """
    then = "it took the change, so call this again in a minute"
    return waiting.until(lab, explain.told(look), f"Entra ID {missing}", then, limit_s(lab))


def exchanged(lab: Lab, *, works: bool) -> None:
    """Wait until Entra takes a token of app 2's service account, where there is one; or no more."""
    from akswi_helpers import pod_tokens
    from akswi_helpers.scenarios import named

    scenario = named("app2")
    try:
        token = pod_tokens.of_account(lab, scenario.namespace, scenario.full_name)
    except Refused:  # app 2 is not installed: nobody asks yet
        return

    def as_written() -> bool:
        got = pod_tokens.exchange(lab, "app2", token=token)
        early = isinstance(got, Refused) and got.code in waiting.NOT_YET
        return not early if works else isinstance(got, Refused)

    takes = "does not take" if works else "still takes"
    then = 'compare tokens.match(lab, "app2"), wait a little and call this again'
    waiting.until(lab, as_written, f"Entra ID {takes} the token of app 2", then)


def limit_s(lab: Lab) -> float:
    """How long Entra's replicas may take, in seconds."""
    return min(AZURE_S, waiting.lag_s(lab))


def _may_pass(refused: Refused) -> bool:
    """Whether a refusal is only that one replica does not know the new object yet."""
    return any(words in refused.refusal.why for words in _NOT_YET)
