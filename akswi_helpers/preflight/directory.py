"""Whether app 2's application can be registered in Entra ID: what the token for Graph says.

    registering(lab)    an application and its service principal

Source: https://learn.microsoft.com/graph/permissions-reference (`roles` in the token of an
application), https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-
reference (`wids` in a person's), https://learn.microsoft.com/graph/api/authorizationpolicy-get.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from akswi_helpers import application, brought
from akswi_helpers.errors import Refused
from akswi_helpers.preflight.finding import MISSING, OK, UNKNOWN, Finding
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.lab import Lab

SCOPE = "https://graph.microsoft.com/.default"
_POLICY = "https://graph.microsoft.com/v1.0/policies/authorizationPolicy"
PERMISSIONS = {
    "Application.ReadWrite.All",
    "Application.ReadWrite.OwnedBy",
    "Directory.ReadWrite.All",
}
REGISTRARS = {
    "62e90394-69f5-4237-9190-012177145e10",  # Global Administrator
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",  # Application Administrator
    "158c047a-c907-4556-b7ef-446551a6b5f7",  # Cloud Application Administrator
    "cf1c38e5-3621-4004-a7cb-879624dced7c",  # Application Developer
}


def registering(lab: Lab) -> list[Finding]:
    """Whether app 2's application can be registered, or was brought."""
    if client := brought.client_id(lab):
        return [_brought(lab, client)]
    return [
        Finding(
            "the right to register an application",
            _state(lab),
            "app 2's identity",
            "an administrator of Entra ID gives a person Application Developer, a service "
            "principal the Graph permission Application.ReadWrite.OwnedBy",
            f"bring one that somebody registered for you ({brought.CLIENT}), or app 2 is left out",
            "app2",
        )
    ]


def _brought(lab: Lab, client: str) -> Finding:
    """Whether the application that was brought is there, as far as Graph tells you."""
    try:
        state = OK if application.find(lab) else MISSING
    except Refused:
        state = MISSING
    return Finding(
        f"the application {client} for app 2",
        state,
        "app 2's identity",
        f"its owner tells you the object id of its service principal ({brought.PRINCIPAL})",
        "app 2 is left out",
        "app2",
    )


def judged(claims: Json, people_may: bool | None) -> str:
    """OK, MISSING or UNKNOWN, from a Graph token's claims.

    `people_may` is the tenant's setting for people without a role in it; None when it is not known.
    """
    if claims.get("idtyp") == "app" or "upn" not in claims:
        return OK if PERMISSIONS & set(claims.get("roles") or ()) else MISSING
    if REGISTRARS & set(claims.get("wids") or ()):
        return OK
    return {True: OK, False: MISSING, None: UNKNOWN}[people_may]


def _state(lab: Lab) -> str:
    from akswi_helpers.pod_tokens import read_unverified

    token = lab.cloud.token(SCOPE)[0]
    claims = read_unverified(token)[1]
    return judged(claims, _people_may(lab, token) if lab.cloud.who.kind == "User" else None)


def _people_may(lab: Lab, token: str) -> bool | None:
    """Whether this tenant lets its people register applications; None when it does not tell."""
    with lab.http() as session:
        answer = session.get(_POLICY, headers={"Authorization": f"Bearer {token}"})
    if answer.status_code != 200:
        return None
    allowed = answer.json().get("defaultUserRolePermissions", {}).get("allowedToCreateApps")
    return None if allowed is None else bool(allowed)
