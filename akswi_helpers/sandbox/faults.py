"""Requests that are turned away before anybody looks at them: throttled, or met by a passing fault.

    world.state(Faults).spare("arm")    raises 429 or 503 when it is this request's turn

Which ones is counted and drawn per service, from the sandbox's seed: the same requests in the same
order meet the same faults. A request that is turned away did nothing, so repeating it repeats
nothing. Each service renders the refusal in its own envelope. Source: the `throttle-` and `fail-`
dials, and the services' documents for codes. Left out: faults after the work was done, limits per
caller, connections that break.
"""

from __future__ import annotations

from collections import Counter
from random import Random

from akswi_helpers.sandbox.dials import Dials, fail, throttle
from akswi_helpers.sandbox.wire import UNVERIFIED, WireError
from akswi_helpers.sandbox.world import World

THROTTLED, FAILED = 429, 503
RETRY_AFTER = 1  # seconds; the least that every client understands

# What a service says: its code and its words, none of which was read off the real one.
SAYINGS = {
    ("entra", THROTTLED): ("temporarily_unavailable", "Too many requests."),
    ("entra", FAILED): ("temporarily_unavailable", "A transient error has occurred."),
    ("arm", THROTTLED): (
        "SubscriptionRequestsThrottled",
        "Number of requests for the subscription exceeded. Please try again after '1' seconds "
        "after additional tokens are available. Refer to https://aka.ms/arm-throttling for "
        "additional information.",
    ),
    ("arm", FAILED): ("ServiceUnavailable", "The service is unavailable. Please try again."),
    ("graph", THROTTLED): ("TooManyRequests", "Too many requests."),
    ("graph", FAILED): ("serviceNotAvailable", "The service is not available. Try again."),
    ("keyvault", THROTTLED): (
        "Throttled",
        "Request was not processed because too many requests were received. Reason: "
        "VaultRequestTypeLimitReached",
    ),
    ("keyvault", FAILED): ("ServiceUnavailable", "The service is unavailable."),
    ("imds", THROTTLED): ("too_many_requests", "Too many requests"),
    ("imds", FAILED): ("service_unavailable", "The service is unavailable"),
}


class Faults:
    """Counts and draws for one sandbox; they begin anew when it starts."""

    def __init__(self, world: World) -> None:
        self._dials, self._seed = world.state(Dials), str(world.settings["identity"]["seed"])
        self._asked: Counter[str] = Counter()
        self._draws: dict[str, Random] = {}

    def next(self, service: str) -> int:
        """What becomes of the next request to a service: 429, 503, or 0 for an answer."""
        self._asked[service] += 1
        every = int(self._dials.value(throttle(service)))
        if every and self._asked[service] % every == 0:
            return THROTTLED
        draw = self._draws.setdefault(service, Random(f"{self._seed} {service}"))
        return FAILED if draw.random() * 100 < self._dials.value(fail(service)) else 0

    def spare(self, service: str) -> None:
        """Return when the next request to a service of SAYINGS may pass. Raises WireError."""
        if (service, THROTTLED) in SAYINGS and (status := self.next(service)):
            code, text = SAYINGS[(service, status)]
            headers = {"retry-after": str(RETRY_AFTER)}
            raise WireError(status, code, UNVERIFIED + text, headers=headers)
