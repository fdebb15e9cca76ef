"""The two strings that differ, behind a refusal: the one that was shown, and the one expected.

    told(lab, "app2", refused)      the refusal again, with both, for that app

Entra says only what it was shown; what it expects stands in the federated credential, or is the
app's own client id. Left out: refusals that compare no strings; they are told as they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from akswi_helpers import apps, explain, identity
from akswi_helpers.errors import LabError, Refused
from akswi_helpers.scenarios import named

if TYPE_CHECKING:
    from akswi_helpers.lab import Lab

_SHOWN = re.compile(r"presented assertion (issuer|subject|audience) '([^']*)'")
_CLIENT = re.compile(r"Application with identifier '([^']*)' was not found")


def told(lab: Lab, app: str, refused: Refused) -> Refused:
    """The refusal as it concerns `app`: its advice, and both strings where Entra compared some."""
    known = refused.refusal
    both = _values(lab, app, known.why)
    return explain.explained(known.service, known.code, known.status, known.why, app=app, **both)


def _values(lab: Lab, app: str, said: str) -> dict[str, str]:
    """Presented and expected; nothing when the text holds no string, or nobody expects one."""
    if found := _SHOWN.search(said):
        expected = _of_credential(lab, app, found[1])
        return {"presented": found[2], "expected": expected} if expected else {}
    if found := _CLIENT.search(said):
        return {"presented": found[1], "expected": apps.client_id(lab, app)}
    return {}


def _of_credential(lab: Lab, app: str, what: str) -> str:
    """What the app's federated credential says; "" when it has none."""
    if named(app).is_the_node:
        return ""
    try:
        credential = identity.credential_of(lab, app)
    except LabError:
        return ""
    if credential is None:
        return ""
    if what == "audience":
        return ", ".join(credential.audiences)
    return str(getattr(credential, what))
