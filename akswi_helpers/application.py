"""App 2's application in Entra ID: registered, federated, and removed for good.

    find(lab)       the lab's application, or None
    create(lab)     the application and its service principal
    federate(lab)   the federated credential that lets app 2's pod sign in as it
    remove(lab)     both gone, from the recycle bin too

An application is the lab's when it carries `tag(lab)`, which names the lab's group in full. One
that merely has the same display name is somebody else's, and is never read, changed or deleted.
No password is made: nobody needs one. One that was brought (`brought`) takes its place. Source:
https://learn.microsoft.com/graph/api/resources/application. Left out: access to a vault; a role
assignment does that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from akswi_helpers import (
    brought,
    entra_rows,
    explain,
    infrastructure,
    ownership,
    progress,
    settling,
    waiting,
)
from akswi_helpers.background import answer
from akswi_helpers.errors import LabError, NotThereYet, Refused
from akswi_helpers.sandbox.templates.hashes import unique_string
from akswi_helpers.scenarios import Scenario, named

if TYPE_CHECKING:
    import pandas as pd

    from akswi_helpers.lab import Lab

NAME = "AksWiApp2"  # its display name; a label, never a proof
CREDENTIAL = "akswi-app2"
AUDIENCE = "api://AzureADTokenExchange"
KIND = "application"  # what the ledger calls it


@dataclass(frozen=True)
class Application:
    """An application and its service principal. `changed` says whether this call made either.

    `client_id` goes on the service account, `principal_id` into role assignments; `id` is the
    application's own object id, which only Graph uses.
    """

    name: str
    id: str
    client_id: str
    principal_id: str
    changed: bool = False

    def __repr__(self) -> str:
        did = "made now" if self.changed else "left alone: it is there"
        return f"application {self.name} (client id {self.client_id}): {did}"


@dataclass(frozen=True)
class Credential:
    """A federated identity credential. `changed` says whether this call made or mended it."""

    name: str
    issuer: str
    subject: str
    audience: str
    changed: bool = False

    @property
    def audiences(self) -> list[str]:
        """As Azure's own shape has it: a list of one."""
        return [self.audience]


def tag(lab: Lab) -> str:
    """The tag of the lab's application: names its group, and the subscription that is in."""
    return entra_rows.tag(lab)


@explain.told
def find(lab: Lab) -> Application | None:
    """The lab's application with its service principal; None when either is missing.

    Wire: GET applications, GET servicePrincipals.
    """
    if principal_id := brought.principal_id(lab):
        client = brought.client_id(lab)
        return Application(client, "", client, principal_id)
    application = _application(lab)
    principal = entra_rows.principal(lab, application.app_id) if application else None
    if application is None or principal is None:
        return None
    return _shown(application, principal)


@explain.told
def create(lab: Lab, *, client_id: str = "") -> Application:
    """The lab's application and its service principal, made where missing.

    With `client_id`, that of an application which somebody registered for you: nothing is made.
    Raises Refused when Entra refuses, LabError for a brought one that is not there. Wire: POST
    applications, POST servicePrincipals.
    """
    if client_id:
        brought.keep(lab, client_id)
    if brought.client_id(lab):
        return _brought(lab)
    application = _application(lab) or _begun(lab)
    changed = application is None
    if application is None:
        application = _register(lab)
    principal = entra_rows.principal(lab, application.app_id)
    if principal is None:
        changed = True
        with progress.step("Waiting until Entra knows the application"):
            settling.written(lab, lambda: _new_principal(lab, application.app_id))
            principal = settling.shown(
                lab,
                lambda: entra_rows.principal(lab, application.app_id),
                "does not list the service principal",
            )
    return _shown(application, principal, changed=changed)


@explain.told
def federate(lab: Lab, *, subject: str = "") -> Credential:
    """Let app 2's service account sign in as the application; leave alone what is right already.

    Another `subject` is for breaking it, and lasts until the next call without one. Raises
    NotThereYet without an application. Wire: GET, then POST or PATCH federatedIdentityCredentials.
    """
    wanted = _wanted(lab, subject)
    if brought.principal_id(lab):
        return _federated_by_its_owner(lab, wanted)
    application = _existing(lab)
    found = entra_rows.credentials(lab, application.id)
    for one in found:
        if _same(one, wanted):
            return _told(one)
    held = entra_rows.held_credentials(lab, application.id)
    if old := next((one for one in found if one.name == wanted.name), None):
        held = held.by_federated_identity_credential_id(old.id)
    if brought.client_id(lab):
        lab.ledger.note(brought.CREDENTIAL, wanted.name)
    with progress.step("Waiting until Entra knows the credential"):
        try:
            settling.written(lab, lambda: answer(held.patch(wanted) if old else held.post(wanted)))
        except Refused as refused:
            if refused.code == brought.DENIED and brought.client_id(lab):
                raise _ask_its_owner(lab, wanted) from refused
            raise
        _until_known(lab, application.id, wanted, works=not subject)
    return _told(wanted, changed=True)


@explain.told
def unfederate(lab: Lab) -> int:
    """Take the credentials away from the lab's application; how many. App 2 then breaks.

    Of one that was brought, only the lab's own. Wire: DELETE federatedIdentityCredentials.
    """
    application = _existing(lab)
    found = _ours(lab, entra_rows.credentials(lab, application.id))
    for one in found:
        held = entra_rows.held_credentials(lab, application.id)
        answer(held.by_federated_identity_credential_id(one.id).delete())
    if found:
        settling.shown(
            lab,
            lambda: not _ours(lab, entra_rows.credentials(lab, application.id)),
            "lists the credential still",
        )
        settling.exchanged(lab, works=False)
    return len(found)


@explain.told
def credential(lab: Lab) -> Credential | None:
    """The federated credential of the lab's application, or None when it has none."""
    if brought.principal_id(lab):
        return _told(_wanted(lab, "")) if brought.signs_in(lab) else None
    application = _application(lab)
    found = entra_rows.credentials(lab, application.id) if application else []
    if brought.client_id(lab):  # it may hold those of other clusters too
        found = [one for one in found if one.issuer == _wanted(lab, "").issuer]
    return _told(found[0]) if found else None


@explain.told
def federated_credentials(lab: Lab) -> pd.DataFrame:
    """The federated credentials of the lab's application: issuer, subject, audience."""
    import pandas as pd

    if brought.principal_id(lab):
        known = credential(lab)
        found: list[Any] = [known] if known else []
    else:
        application = _application(lab)
        found = entra_rows.credentials(lab, application.id) if application else []
    rows = [
        {
            "application": NAME,
            "credential": one.name,
            "issuer": one.issuer,
            "subject": one.subject,
            "audience": ", ".join(one.audiences),
        }
        for one in found
    ]
    columns = ["application", "credential", "issuer", "subject", "audience"]
    return pd.DataFrame(rows, columns=columns)


@explain.told
def remove(lab: Lab) -> list[str]:
    """Delete the lab's application for good, its service principal with it; what was removed.

    Run again after a crash it goes on; run on nothing it deletes nothing. Wire: DELETE
    applications, DELETE directory/deletedItems.
    """
    graph, removed = lab.cloud.graph(), []
    for row in entra_rows.applications(lab):
        progress.note(f"application {row.display_name} goes to the recycle bin")
        answer(graph.applications.by_application_id(row.id).delete())
        removed.append(str(row.id))
    settling.shown(lab, lambda: _is_gone(lab, removed), "does not list the application in the bin")
    for row in entra_rows.deleted(lab):
        progress.note(f"{row.display_name} leaves the recycle bin")
        answer(graph.directory.deleted_items.by_directory_object_id(row.id).delete())
        removed.append(str(row.id))
    settling.shown(
        lab, lambda: not entra_rows.deleted(lab), "lists the application in the bin still"
    )
    return sorted(set(removed))


@explain.told
def registered(lab: Lab) -> list[str]:
    """The names of the lab's applications that Entra lists."""
    return [str(row.display_name) for row in entra_rows.applications(lab)]


@explain.told
def recycled(lab: Lab) -> list[str]:
    """The names of the lab's applications and service principals that the recycle bin lists."""
    return [str(row.display_name) for row in entra_rows.deleted(lab)]


def _register(lab: Lab) -> Any:
    from msgraph.generated.models.application import Application as Body

    lab.ledger.note(KIND, tag(lab))
    body = Body(display_name=NAME, tags=_tags(lab), sign_in_audience="AzureADMyOrg")
    made = answer(lab.cloud.graph().applications.post(body))
    settling.shown(lab, lambda: entra_rows.applications(lab), "does not list the application")
    return made


def _new_principal(lab: Lab, client: str) -> Any:
    from msgraph.generated.models.service_principal import ServicePrincipal

    body = ServicePrincipal(app_id=client, tags=_tags(lab))
    return answer(lab.cloud.graph().service_principals.post(body))


def _tags(lab: Lab) -> list[str]:
    """The tag that proves it, and those that say who made it and when it should be gone."""
    return [tag(lab), *(f"{name}={value}" for name, value in ownership.kept(lab.tags).items())]


def _brought(lab: Lab) -> Application:
    found = find(lab)
    if found is None:
        raise brought.missing(lab)
    return found


def _federated_by_its_owner(lab: Lab, wanted: Any) -> Credential:
    """The credential that its owner added, proved by signing in; LabError when it is not there."""
    if brought.signs_in(lab):
        return _told(wanted)
    raise _ask_its_owner(lab, wanted)


def _ask_its_owner(lab: Lab, wanted: Any) -> LabError:
    return brought.ask_its_owner(lab, wanted.issuer, wanted.subject, AUDIENCE)


def _ours(lab: Lab, found: list[Any]) -> list[Any]:
    """The credentials that the lab may delete."""
    named = lab.ledger.ids(brought.CREDENTIAL)
    return [one for one in found if one.name in named] if brought.client_id(lab) else found


def _application(lab: Lab) -> Any:
    if client := brought.client_id(lab):
        return brought.row(lab, client)
    found = entra_rows.applications(lab)
    if len(found) > 1:
        raise LabError(
            f"{len(found)} applications carry the tag of this lab: 99-clean-up removes them all."
        )
    return found[0] if found else None


def _existing(lab: Lab) -> Any:
    found = _application(lab)
    if found is None:
        raise NotThereYet("App 2 has no application yet: application.create(lab) registers it.")
    return found


def _wanted(lab: Lab, other_subject: str) -> Any:
    from msgraph.generated.models.federated_identity_credential import FederatedIdentityCredential

    return FederatedIdentityCredential(
        name=_credential_name(lab),
        issuer=infrastructure.outputs(lab)["aksOidcIssuerUrl"],
        subject=other_subject or subject(named("app2")),
        audiences=[AUDIENCE],
    )


def _credential_name(lab: Lab) -> str:
    """Its name; on an application that was brought, another lab's may stand beside it."""
    if not brought.client_id(lab):
        return CREDENTIAL
    return f"{CREDENTIAL}-{unique_string(lab.group_id.lower())}"


def subject(scenario: Scenario) -> str:
    """How the cluster calls the service account of an app: the `sub` of its tokens."""
    return f"system:serviceaccount:{scenario.namespace}:{scenario.full_name}"


def _begun(lab: Lab) -> Any:
    """The application that a run before this one asked for, if Entra lists it late; or None."""
    if tag(lab) not in lab.ledger.ids(KIND):
        return None
    try:
        return settling.shown(lab, lambda: _application(lab), "does not list the application")
    except waiting.TooLate:
        return None


def _until_known(lab: Lab, id: str, wanted: Any, *, works: bool) -> None:
    """Wait until a credential is listed, and does what it should."""

    def listed() -> bool:
        return any(_same(one, wanted) for one in entra_rows.credentials(lab, id))

    settling.shown(lab, listed, "does not list the credential")
    settling.exchanged(lab, works=works)


def _is_gone(lab: Lab, removed: list[str]) -> bool:
    """Whether the application is in the bin, and nowhere else."""
    binned = {str(row.id) for row in entra_rows.deleted(lab)}
    return not entra_rows.applications(lab) and set(removed) <= binned


def _same(one: Any, other: Any) -> bool:
    return (one.issuer, one.subject, one.audiences) == (
        other.issuer,
        other.subject,
        other.audiences,
    )


def _shown(application: Any, principal: Any, *, changed: bool = False) -> Application:
    return Application(
        str(application.display_name),
        str(application.id),
        str(application.app_id),
        str(principal.id),
        changed,
    )


def _told(one: Any, *, changed: bool = False) -> Credential:
    return Credential(one.name, one.issuer, one.subject, one.audiences[0], changed)
