"""An application that somebody else registered for app 2, for a learner who may not.

    client_id(lab)      its client id, "" when none was brought

Named by AKSWI_APP2_CLIENT_ID, or once by `application.create(lab, client_id=…)`, which the ledger
keeps. It is its owner's: the lab never changes or deletes it, but for a federated credential that
the ledger names.
"""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

from akswi_helpers.errors import UsageError

if TYPE_CHECKING:
    from akswi_helpers.lab import Lab

CLIENT = "AKSWI_APP2_CLIENT_ID"
PRINCIPAL = "AKSWI_APP2_OBJECT_ID"  # of its service principal, where Graph may not be read
KIND = "application that was brought"


def client_id(lab: Lab) -> str:
    """The client id of the application that was brought for app 2; "" when none was."""
    found = os.environ.get(CLIENT) or next(reversed(lab.ledger.ids(KIND)), "")
    return _guid(found, CLIENT) if found else ""


def _guid(text: str, name: str) -> str:
    try:
        return str(uuid.UUID(text.strip()))
    except ValueError as error:
        raise UsageError(
            f"{name} holds no client id: it is a GUID, such as {uuid.UUID(int=0)}."
        ) from error
