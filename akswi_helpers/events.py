"""Why a pod does not start: the kubelet's FailedMount events, and what they mean.

    of(lab, "app2")         the newest event's text, as kubectl prints it
    refusal(lab, "app2")    the same in three lines: what was refused, why, what next

A pod whose mount fails has no log, for it never started. The kubelet tries again by itself, so a
mended cause needs no new pod. Source: texts of the Secrets Store CSI driver 1.4 and its Azure
provider 1.7 and 1.8. Left out: other events; `lab.kubectl("get events -A")` shows them.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from akswi_helpers import apps, cluster, explain, side_by_side
from akswi_helpers.errors import Refused
from akswi_helpers.parameters import headless
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.lab import Lab

PATIENCE_S = 20  # the kubelet has to try once before it can say that it failed
REASON = "FailedMount"
AGAIN = " The kubelet tries again by itself."
NO_CLASS, NO_DRIVER, NO_VAULT = "NoSecretProviderClass", "NoDriver", "NoSuchVault"  # ours
METADATA = "The node's metadata service"
IDENTITY, MULTIPLE = "Identity not found", "Multiple user assigned identities exist"
_SETUP = "MountVolume.SetUp failed"
_DESCRIPTION = re.compile(r'"error_description":\s*"((?:[^"\\]|\\.)*)"')
_MESSAGE = re.compile(r'"message":\s*"((?:[^"\\]|\\.)*)"')
_INNER = re.compile(r'"innererror":\s*\{\s*"code":\s*"(\w+)"')
_STATUS = re.compile(r"(?:RESPONSE|reply status code was) (\d{3})")
_AADSTS = re.compile(r"(AADSTS\d+): (.*?)(?:\s+Trace ID:|$)", re.DOTALL)
_KEY_VAULT = re.compile(r"ERROR CODE: (\w+)")
_CLASS = re.compile(r"(failed to get secretproviderclass .*)", re.DOTALL)
_NO_DRIVER = re.compile(r"(driver name \S+ not found in the list of registered CSI drivers)")
_NO_HOST = re.compile(r"(lookup \S+.*no such host)")
_REASON = re.compile(r"(?:failed to mount objects, error|err): (.*)", re.DOTALL)
# In Entra's sentence, and beside it in its JSON.
_DIFFERS = re.compile(r"((?:Trace ID|Correlation ID|Timestamp): )[-:. \w]+?(?= Corr| Timest|\")")
_FIELD = re.compile(r'("(?:trace_id|correlation_id|timestamp)": ?)"[^"]*"')


class Text(str):
    """An event's text; shown whole, but headless without what differs from run to run."""

    __slots__ = ()

    def __repr__(self) -> str:
        return _steady(str(self)) if headless() else str(self)


@explain.told
def of(lab: Lab, app: str, patience_s: float = PATIENCE_S) -> Text:
    """The newest FailedMount text of the app's newest pod; "" when its mounts do not fail.

    Waits while the pod is not ready and nothing was said yet. Raises NotThereYet for an app that is
    not installed.
    """
    end = time.monotonic() + patience_s
    while not apps.is_ready(lab, app):
        said = [text for pod in apps.live_pods(lab, app)[-1:] if (text := _newest(lab, pod))]
        if said or time.monotonic() > end:
            return Text("".join(said))
        time.sleep(min(0.2, lab.cloud.poll_s))
    return Text("")


@explain.told
def refusal(lab: Lab, app: str, patience_s: float = PATIENCE_S) -> Refused | None:
    """Why the app's pod does not start, in three lines; None when nothing keeps it from it."""
    said = of(lab, app, patience_s)
    return _again(side_by_side.told(lab, app, explained(said, app))) if said else None


@dataclass(frozen=True)
class Mended:
    """An app that nothing keeps from starting any more, and the calls that would break it again."""

    app: str
    breaks: str
    code: str = ""

    def __repr__(self) -> str:
        return (
            f"{self.app} is mended already: its pod is ready.\n"
            f"To break it again, call {self.breaks} and then "
            f'lab.kubectl("delete pods --all -n {self.app}"); no page does that by itself.'
        )


BREAKS = {"app2": "application.unfederate(lab)", "app3": "node_identity.remove(lab)"}


def account(lab: Lab, app: str) -> Refused | Mended:
    """Why the app's pod does not start, in three lines; or that it is mended already."""
    return refusal(lab, app) or Mended(app, BREAKS[app])


def explained(text: str, app: str) -> Refused:
    """A FailedMount text in three lines; `app` decides which verb mends it."""
    service, code, status, why = _read(text)
    return explain.explained(service, code, status, why, app=app)


def _again(refused: Refused) -> Refused:
    """The refusal, and that a mended cause needs no new pod."""
    known = refused.refusal
    return Refused(replace(known, next=known.next + AGAIN))


def _newest(lab: Lab, pod: Json) -> str:
    """The last SetUp failure; the kubelet's "timed out waiting" beside it says less."""
    about = pod["metadata"]
    path = f"/api/v1/namespaces/{about['namespace']}/events"
    query = f"involvedObject.uid={about['uid']},reason={REASON}"
    found = (cluster.read(lab, path, fieldSelector=query) or {"items": []})["items"]
    found.sort(key=lambda one: (_last(one), int(one["metadata"]["resourceVersion"])))
    said = [str(one.get("message", "")) for one in found]
    return next((one for one in reversed(said) if one.startswith(_SETUP)), said[-1] if said else "")


def _last(event: Json) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def _read(text: str) -> tuple[str, str, int, str]:
    """Who refused, its code, the HTTP status (0: none), and its words."""
    status = int(found[1]) if (found := _STATUS.search(text)) else 0
    described = _plain(_DESCRIPTION, text)
    if aadsts := _AADSTS.search(described):
        return "Entra ID", aadsts[1], status, aadsts[2]
    if vault := _INNER.search(text) or _KEY_VAULT.search(text):
        return "Key Vault", vault[1], status, _plain(_MESSAGE, text)
    for words in (IDENTITY, MULTIPLE):
        if words in text:
            return METADATA, words, status or 400, described or words
    return _without_answer(text)


def _without_answer(text: str) -> tuple[str, str, int, str]:
    """Likewise, where no service of Azure answered."""
    for pattern, who, code in (
        (_CLASS, "The CSI driver", NO_CLASS),
        (_NO_DRIVER, "The kubelet", NO_DRIVER),
        (_NO_HOST, "The CSI provider", NO_VAULT),
    ):
        if found := pattern.search(text):
            return who, code, 0, found[1]
    found = _REASON.search(text)
    return "The CSI driver", REASON, 0, found[1] if found else text


def _plain(pattern: re.Pattern[str], text: str) -> str:
    """What a JSON string in the text says, "" when there is none."""
    found = pattern.search(text)
    return str(json.loads(f'"{found[1]}"')) if found else ""


def _steady(text: str) -> str:
    """The text without ids, times and the random tail of a pod's name."""
    without = _FIELD.sub(r'\1"…"', _DIFFERS.sub(r"\1…", text))
    return re.sub(r"(for pod \S+?)-[0-9a-z]{8,10}-[0-9a-z]{5}\b", r"\1-…", without)
