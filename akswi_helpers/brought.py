"""An application that somebody else registered for app 2, for a learner who may not.

    client_id(lab)      its client id, "" when none was brought
    keep(lab, id)       bring one: the ledger keeps it

Named by AKSWI_APP2_CLIENT_ID, or by `application.create(lab, client_id=…)`. Where Graph may not
even be read, AKSWI_APP2_OBJECT_ID names its service principal, and Graph is not asked at all. The
application stays its owner's: the lab never changes or deletes it, but for a federated credential
that the ledger names. Left out: bringing an application for another app than app 2.
"""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING, Any

from akswi_helpers.background import answer
from akswi_helpers.errors import LabError, UsageError
from akswi_helpers.scenarios import named

if TYPE_CHECKING:
    from akswi_helpers.lab import Lab

CLIENT = "AKSWI_APP2_CLIENT_ID"
PRINCIPAL = "AKSWI_APP2_OBJECT_ID"
KIND = "application that was brought"  # what the ledger calls it
CREDENTIAL = "federated credential on an application that was brought"
DENIED = "Authorization_RequestDenied"


def client_id(lab: Lab) -> str:
    """The client id of the application that was brought for app 2; "" when none was.

    Raises UsageError for one that is no GUID.
    """
    found = os.environ.get(CLIENT) or next(reversed(lab.ledger.ids(KIND)), "")
    return _guid(found, CLIENT) if found else ""


def principal_id(lab: Lab) -> str:
    """The object id of its service principal where that was named too; "" when Graph tells."""
    found = os.environ.get(PRINCIPAL, "") if client_id(lab) else ""
    return _guid(found, PRINCIPAL) if found else ""


def keep(lab: Lab, client: str) -> None:
    """Use this application for app 2 from now on. Raises UsageError for what is no client id."""
    lab.ledger.note(KIND, _guid(client, "client_id"))


def row(lab: Lab, client: str) -> Any:
    """The application as Graph has it, or None. Wire: GET applications(appId='…')."""
    from kiota_abstractions.api_error import APIError

    try:
        return answer(lab.cloud.graph().applications_with_app_id(client).get())
    except APIError as error:
        if error.response_status_code == 404:
            return None
        raise


def missing(lab: Lab) -> LabError:
    """What is said when nobody here has that application, or it has no service principal."""
    client = client_id(lab)
    return LabError(
        f"The application {client} is not in this tenant, or has no service principal: its owner "
        f"runs 'az ad sp create --id {client}'."
    )


def signs_in(lab: Lab) -> bool:
    """Whether Entra takes the token of app 2's service account as the application's."""
    from akswi_helpers import pod_tokens

    app = named("app2")
    try:
        token = pod_tokens.of_account(lab, app.namespace, app.full_name)
    except LabError:  # app 2 is not installed yet
        return False
    return pod_tokens.traded(lab, client_id(lab), token.assertion).status_code < 400


def ask_its_owner(lab: Lab, issuer: str, subject: str, audience: str) -> LabError:
    """What is said when only the owner may federate it: the three strings to be added."""
    return LabError(
        f"The application {client_id(lab)} is not yours to change: ask its owner to add a "
        f"federated credential with the issuer {issuer}, the subject {subject} and the audience "
        f"{audience}, then run this again."
    )


def _guid(text: str, name: str) -> str:
    try:
        return str(uuid.UUID(text.strip()))
    except ValueError as error:
        raise UsageError(f"{name} is no GUID such as {uuid.UUID(int=0)}.") from error
