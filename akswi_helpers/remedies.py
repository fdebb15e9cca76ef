"""What mends each app's way to its secret, in words: where to look, and which call to make.

    advice("AADSTS70025", "app2")               what next, for that app
    advice(code, "app1", "…'x'(id-app3) has…")  likewise, when the text is about another app
    concerned(text)                             the app that a service's text is about

Pure: nothing is asked. Where no app is known, the advice says which call is for which. Left out:
the refusals themselves; `refusal_codes` lists them.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

from akswi_helpers.refusal_codes import ADVICE, OTHERWISE
from akswi_helpers.scenarios import Scenario, named

DEPLOY = "infrastructure.deploy(lab) (notebook 01-deploy-the-infrastructure)"
GRANT = "vault_access.grant(lab) (notebook 02-give-app2-an-identity)"
FEDERATE = "application.federate(lab) (notebook 05-federate-app2)"
ASSIGN = "node_identity.assign(lab) (notebook 06-give-the-nodes-app3s-identity)"
APPLICATION = "the application AksWiApp2"

# How a service's text names an app: as client, as service account, as vault.
_CLIENT = re.compile(r"\(id-(app[1-5])\)")
_SUBJECT = re.compile(r"system:serviceaccount:(app[1-5]):", re.IGNORECASE)
_VAULT = re.compile(r"(?:Vault: |lookup |https://)kv-(app[1-5])", re.IGNORECASE)
_TRUST = ("70025", "700211", "700212", "700213", "7002138")


@dataclass(frozen=True, slots=True)
class Remedy:
    """The words that differ from app to app; each fills a place in the advice for a code."""

    app: str  # "app 2"
    account: str  # "system:serviceaccount:app2:app2-workloadidapp2"
    home: str  # what its federated credential, or its role, belongs to
    trust: str  # the call that makes or mends its federated credential
    role: str  # the call that lets it read its vault
    match: str  # the call that shows token and credential side by side
    client_id: str  # the call that says its client id
    vault: str  # the call that says its vault's name
    nodes: str  # the call that puts its identity on its nodes


ANY = Remedy(
    "the app",
    "its service account",
    "its identity",
    "infrastructure.deploy(lab), or for app 2 application.federate(lab),",
    "infrastructure.deploy(lab), or for apps 2 and 4 vault_access.grant(lab),",
    "tokens.match(lab, app)",
    "apps.client_id(lab, app)",
    "vaults.name(lab, app)",
    "node_identity.assign(lab) puts app 3's there, infrastructure.deploy(lab) app 4's",
)


def of(app: str) -> Remedy:
    """The words for one app; for "", those that hold for any."""
    if not app:
        return ANY
    scenario = named(app)
    return Remedy(
        f"app {scenario.number}",
        f"system:serviceaccount:{scenario.namespace}:{scenario.full_name}",
        _home(scenario),
        FEDERATE if app == "app2" else DEPLOY,
        GRANT if app in ("app2", "app4") else DEPLOY,
        f'tokens.match(lab, "{app}")',
        f'apps.client_id(lab, "{app}")',
        f'vaults.name(lab, "{app}")',
        f"{DEPLOY if app == 'app4' else ASSIGN} puts it on the nodes",
    )


def advice(code: str, app: str = "", text: str = "") -> str:
    """What to do about a refusal with this code, for the app that asked.

    `text` is the service's own; where it is about another app than `app`, that is the advice.
    """
    known, other = code.removeprefix("AADSTS"), concerned(text)
    if known == "ForbiddenByRbac" and other and app != other:
        return _of_vault(app, other)
    if app and other and app != other and known in _TRUST:
        return _of_another(app, other)
    asked = app or other
    if known in _TRUST and asked and named(asked).is_the_node:
        return _of_a_node(asked)
    return ADVICE.get(known, OTHERWISE).format(**asdict(of(asked)))


def concerned(text: str) -> str:
    """The app that a service's text is about: "app3" for "…(id-app3)…"; "" when it is none's."""
    if "(AksWiApp2)" in text:
        return "app2"
    for pattern in (_CLIENT, _VAULT, _SUBJECT):
        if found := pattern.search(text):
            return found[1].lower()
    return ""


def _home(scenario: Scenario) -> str:
    if scenario.name == "app2":
        return APPLICATION
    if scenario.name == "app4":
        return "the identity of the Key Vault add-on"
    return f"the managed identity id-{scenario.name}"


def _of_vault(app: str, other: str) -> str:
    """Another app's vault: each identity has a role on its own app's vault, and on no other."""
    theirs = of(other)
    if app:
        return (
            f"this is the vault of {theirs.app}; {of(app).app} may read its own only, and that is "
            "as it should be."
        )
    return (
        f"this is the vault of {theirs.app}, and no other app is meant to read it: {theirs.role} "
        f"lets {theirs.home} read it; on Azure that takes up to ten minutes to work."
    )


def _of_another(app: str, other: str) -> str:
    """An app that came with another one's client id, or another one's token."""
    return (
        f"this names {of(other).app}, and {of(app).app} asked: its own client id is "
        f"{of(app).client_id}, and its own service account {of(app).account}."
    )


def _of_a_node(app: str) -> str:
    """An identity of nodes has no federated credential, and needs none."""
    mine = of(app)
    return (
        f"{mine.home} has no federated credential and needs none: {mine.app} gets its tokens from "
        f"the metadata service of its node; {mine.nodes}."
    )
