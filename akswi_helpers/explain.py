"""A refusal in three lines: what was refused, why, what next.

    attempt(call, …)    try what should be refused, and show the refusal
    of(error)           what an SDK raised, explained
    of_reply(reply)     what a service answered to a plain request, explained
    table()             the codes that we know

The code and the words after "Why:" are the service's own; what to do next is ours. Source: the
error references of Entra ID, Key Vault, ARM and Kubernetes. Left out: refusals that nobody has met
in this walk; they are shown in the service's words, with no advice.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

from akswi_helpers import remedies
from akswi_helpers.errors import LabError, Refusal, Refused
from akswi_helpers.refusal_codes import ADVICE
from akswi_helpers.types import Json

if TYPE_CHECKING:
    import pandas as pd

Given = ParamSpec("Given")
Result = TypeVar("Result")

UNREACHED = (
    "Nobody answered: on the sandbox, 'akswi sandbox start' brings it back with all that it kept; "
    "on Azure, look at the network."
)
NO_LABEL = 'the pod has no label azure.workload.identity/use: "true", or was made before it had one'
NO_ANNOTATION = "its service account has no annotation azure.workload.identity/client-id"
LOGS = "app1"  # the only app with code of its own, and so with a log
MISSING = "NotInjected"  # ours: a missing label or annotation has no code on any wire
_SAID = re.compile(r"error: (\S+) says (\d{3}): (\w+): (.*)")
_NOT_GIVEN = re.compile(r"error: ([A-Z_, ]+) not set: (.*?)(?: \(then make the pod anew\))?$", re.M)
_AADSTS = re.compile(r"(AADSTS\d+): (.*?)(?:\s+Trace ID:|$)", re.DOTALL)


class Reply(Protocol):
    """An HTTP answer, as `requests` and `httpx` have it."""

    @property
    def status_code(self) -> int:
        """The HTTP status."""

    def json(self) -> Any:
        """The body, read as JSON."""


def attempt(
    call: Callable[Given, Result], *given: Given.args, **named: Given.kwargs
) -> Result | Refused:
    """What `call` returns, or the refusal it meets: shown, not raised.

    Errors that are no refusal by a service are raised as they are.
    """
    try:
        return call(*given, **named)
    except Refused as refused:
        return refused
    except Exception as error:
        if not _is_refusal(error):
            raise
        return of(error)


def told(call: Callable[Given, Result]) -> Callable[Given, Result]:
    """Let `call` raise Refused, in three lines, where an SDK would raise its own error."""

    @functools.wraps(call)
    def wrapped(*given: Given.args, **named: Given.kwargs) -> Result:
        try:
            return call(*given, **named)
        except LabError:
            raise
        except Exception as error:
            if _is_silence(error):
                raise LabError(UNREACHED) from error
            if not _is_refusal(error):
                raise
            raise of(error) from error

    return wrapped


def of(error: Exception) -> Refused:
    """What an Azure or Kubernetes SDK raised, in three lines."""
    if hasattr(error, "body") and hasattr(error, "reason"):
        return kubernetes(int(getattr(error, "status", 0) or 0), error.body or b"")
    if hasattr(error, "response_status_code"):
        return _graph(int(error.response_status_code or 0), getattr(error, "error", None))
    text = str(getattr(error, "message", "") or error)
    if found := _AADSTS.search(text):
        return explained("Entra ID", found[1], _status(error) or 400, found[2])
    response = getattr(error, "response", None)
    try:
        return _from_body(_status(error), json.loads(response.text()))  # type: ignore[union-attr]
    except (AttributeError, TypeError, ValueError, KeyError):
        pass
    inner = getattr(error, "error", None)
    code = str(getattr(inner, "code", "") or type(error).__name__)
    return explained("Azure", code, _status(error), str(getattr(inner, "message", "") or text))


def of_reply(reply: Reply) -> Refused:
    """What a service answered to a plain request, in three lines.

    Raises LabError when the answer is no refusal.
    """
    if reply.status_code < 400:
        raise LabError(f"That was not refused: the answer is {reply.status_code}.")
    try:
        body = reply.json()
    except ValueError:
        body = {}
    return _from_body(reply.status_code, body if isinstance(body, dict) else {})


def of_log(line: str) -> Refused | None:
    """What an app's log line says about a refusal, in three lines; None when it says none.

    App 1 writes "error: <host> says <status>: <code>: <text>", or which variable it was not given.
    """
    if found := _SAID.search(line):
        host, status, code, text = found.groups()
        service = "Entra ID" if code.startswith("AADSTS") else "Key Vault"
        service = service if "." in host else host
        return explained(service, code, int(status), text, app=LOGS)
    if found := _NOT_GIVEN.search(line):
        names, why = found.groups()
        said = f"{names} not set: {why}"
        return explained("The pod's own program", MISSING, 0, said, app=LOGS)
    return None


def kubernetes(status: int, body: bytes | str) -> Refused:
    """What a Kubernetes API answered, in three lines; `body` is its Status object."""
    try:
        answer = json.loads(body)
    except ValueError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    code = str(answer.get("reason") or f"HTTP {status}")
    return explained("Kubernetes", code, status, str(answer.get("message", "it gave no reason")))


def _graph(status: int, inner: object) -> Refused:
    """What msgraph-sdk raised: its `error` holds Graph's code and message."""
    code = str(getattr(inner, "code", "") or f"HTTP {status}")
    return explained("Microsoft Graph", code, status, str(getattr(inner, "message", "") or ""))


def explained(
    service: str, code: str, status: int, text: str, *, app: str = "", **values: str
) -> Refused:
    """A refusal from its code and the service's text; `app` is the one that asked, when known.

    `values` are the two that differ, when they are known: presented and expected.
    """
    why = _one_line(text)
    if "presented" in values and "expected" in values:
        why += f" It was shown '{values['presented']}', and expects '{values['expected']}'."
    then = remedies.advice(code, app, text)
    what = f"{service} refused: {code} ({status})." if status else f"{service} stopped: {code}."
    return Refused(Refusal(service, code, status, what, why, then))


def table() -> pd.DataFrame:
    """The codes that we know, with what to do about each."""
    import pandas as pd

    rows = [
        {"code": f"AADSTS{code}" if code.isdigit() else code, "what next": remedies.advice(code)}
        for code in ADVICE
    ]
    return pd.DataFrame(rows)


def _from_body(status: int, body: Json) -> Refused:
    if body.get("kind") == "Status":
        return kubernetes(status, json.dumps(body))
    error = body.get("error")
    if isinstance(error, str):  # Entra's envelope
        found = _AADSTS.search(str(body.get("error_description", "")))
        code, text = (found[1], found[2]) if found else (error, str(body.get("error_description")))
        return explained("Entra ID", code, status, text)
    if not isinstance(error, dict):
        return explained("The service", f"HTTP {status}", status, "it gave no reason")
    return _from_error(status, error)


def _from_error(status: int, error: Json) -> Refused:
    """ARM's envelope or Key Vault's; the innermost code is the one that says what happened."""
    inner = error.get("innererror")
    if isinstance(inner, dict) and inner.get("code"):
        return explained("Key Vault", str(inner["code"]), status, str(error.get("message", "")))
    details = [row for row in error.get("details") or [] if isinstance(row, dict)]
    if details:
        return _from_error(status, details[0])
    nested = _nested(str(error.get("message", "")))
    if nested:
        return _from_error(status, nested)
    service = "Key Vault" if str(error.get("code", "")).startswith("Secret") else "Azure"
    return explained(service, str(error.get("code", "")), status, str(error.get("message", "")))


def _nested(message: str) -> Json | None:
    """The error that a deployment wraps in the text of another one, or None."""
    try:
        inner = json.loads(message)
    except ValueError:
        return None
    error = inner.get("error") if isinstance(inner, dict) else None
    return error if isinstance(error, dict) else None


def _status(error: Exception) -> int:
    return int(getattr(error, "status_code", 0) or 0)


def _is_refusal(error: Exception) -> bool:
    """Whether a service said no; told by the class's home, so that no SDK has to be imported."""
    homes = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    if "kubernetes" in homes:
        return hasattr(error, "body")
    if "kiota_abstractions" in homes:
        return hasattr(error, "response_status_code")
    return "azure" in homes and hasattr(error, "message")


def _is_silence(error: Exception) -> bool:
    """Whether nobody answered at all."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & {"ServiceRequestError", "ServiceResponseError", "NobodyThere"}:
        return True
    return type(error).__module__.startswith("urllib3.") or "TransportError" in names


def _one_line(text: str) -> str:
    return " ".join(text.split()) or "it gave no reason"
