"""Answers to the exercises, judged with a reason: right, not yet, or still open.

    checks.subject(lab, answer)     is this the subject that app 1's credential names?
    checks.code(answer, refused)    is this the code that the service answered with?

`...` stands for "not answered" and is no mistake. Nothing here raises, so that a notebook runs
through. What is right is read from Azure wherever Azure knows it. Left out: marks and scores.
"""

from __future__ import annotations

import html
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from akswi_helpers.errors import Refused
from akswi_helpers.scenarios import SCENARIOS

if TYPE_CHECKING:
    from akswi_helpers.lab import Lab

Word: TypeAlias = Literal["right", "not yet", "open"]

_EDGES: dict[Word, str] = {"right": "#15803d", "not yet": "#b45309", "open": "#6b7280"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer is, and why."""

    word: Word
    why: str

    def __repr__(self) -> str:
        return f"{self.word}: {self.why}"

    def _repr_html_(self) -> str:
        edge = f"border-left:4px solid {_EDGES[self.word]};padding:4px 10px"
        return f'<div style="{edge}"><b>{self.word}</b>: {html.escape(self.why)}</div>'


OPEN = Verdict("open", "put your answer in place of the three dots, and run the cell again.")


def compare(answer: object, expected: str, because: str, hint: str = "") -> Verdict:
    """`answer` against the text `expected`; else the `hint`, or where the first difference is."""
    if answer is ...:
        return OPEN
    if not isinstance(answer, str):
        return Verdict("not yet", f"the answer is a text, this is {_kind(answer)}.")
    if answer == expected:
        return Verdict("right", because)
    return Verdict("not yet", hint or difference(answer, expected))


def compare_sets(answer: object, expected: Collection[str], because: str) -> Verdict:
    """`answer`, any collection of texts, against `expected`; says how many are off, not which."""
    if answer is ...:
        return OPEN
    if isinstance(answer, str):
        answer = [answer]
    if not isinstance(answer, Collection):
        return Verdict("not yet", f"the answer is a set of texts, this is {_kind(answer)}.")
    given, wanted = {str(item) for item in answer}, set(expected)
    if given == wanted:
        return Verdict("right", because)
    wrong, missing = len(given - wanted), len(wanted - given)
    return Verdict("not yet", f"{wrong} of yours does not belong, and {missing} is missing.")


def difference(answer: str, expected: str) -> str:
    """Where `answer` leaves `expected`, without giving the rest away."""
    if answer.strip() == expected:
        return "there is white space around it; Entra ID compares every character."
    if answer.rstrip("/") == expected.rstrip("/"):
        return "only the slash at the end differs; Entra ID compares every character."
    if answer.lower() == expected.lower():
        return "only upper and lower case differ; Entra ID tells them apart."
    same = next(
        (i for i, (a, b) in enumerate(zip(answer, expected, strict=False)) if a != b),
        min(len(answer), len(expected)),
    )
    if same == 0:
        return f"it begins with '{expected[:7]}', yours with '{answer[:7]}'."
    return (
        f"the first {same} characters are right, up to '…{expected[:same][-12:]}'; then it differs."
    )


def reach(answer: object) -> Verdict:
    """Which app's identity can be used by the most pods?"""
    why = "every pod on every node pool can use the add-on's identity."
    return compare(answer, "app4", why, "look at the last column: whose identity reaches furthest?")


def passwords(answer: object) -> Verdict:
    """How many of the five apps hold a password?"""
    if answer is ...:
        return OPEN
    if answer == 0 and not isinstance(answer, bool):
        return Verdict("right", "each proves who it is by where it runs, not by what it knows.")
    return Verdict("not yet", f"read the identity column again; not one of the {len(SCENARIOS)}.")


def issuer(lab: Lab, answer: object) -> Verdict:
    """Which issuer does app 1's federated credential name?"""
    why = "who signs the tokens; the cluster publishes its public keys under that address."
    return compare(answer, _credential(lab, "issuer"), why)


def subject(lab: Lab, answer: object) -> Verdict:
    """Which subject does app 1's federated credential name?"""
    why = "whom the token is about: a namespace and a service account, nothing else."
    return compare(answer, _credential(lab, "subject"), why)


def audience(lab: Lab, answer: object) -> Verdict:
    """For whom must a token be meant, if Entra ID is to take it?"""
    why = "a token that is meant for somebody else is refused, however genuine it is."
    return compare(answer, _credential(lab, "audience"), why)


def unread_vaults(answer: object) -> Verdict:
    """Whose vaults may no app's identity read after the deployment?"""
    known = {scenario.name for scenario in SCENARIOS if not scenario.client_id_output}
    return compare_sets(answer, known, "the template knows no identity that is theirs.")


def from_annotation(answer: object) -> Verdict:
    """Which of the four variables comes from the service account's client-id annotation?"""
    why = "without the annotation this one is missing, and the pod starts all the same."
    hint = "it says as whom the pod asks; the other three are the same for every pod."
    return compare(answer, "AZURE_CLIENT_ID", why, hint)


def looked_at(answer: object) -> Verdict:
    """On which kind of object must the label azure.workload.identity/use be?"""
    word = answer.lower().strip() if isinstance(answer, str) else answer
    why = "the webhook sees pods; a label on a service account does nothing."
    return compare(word, "pod", why, "which object does the webhook change when it is made?")


def code(answer: object, refused: object) -> Verdict:
    """Is `answer` the code that `refused` carries? A number stands for AADSTS and that number.

    In a lab where nothing was refused there is nothing to answer, and it says so.
    """
    if not isinstance(refused, Refused):
        return Verdict("open", "nothing was refused here; what you are asked about was mended.")
    given = f"AADSTS{answer}" if isinstance(answer, int) else answer
    hint = "the code stands in the first line of the refusal: AADSTS and a number."
    return compare(given, refused.code, refused.refusal.why, hint)


def survivor(answer: object) -> Verdict:
    """What outlives the deletion of its resource group, and keeps its name taken?"""
    word = answer.lower().strip().rstrip("s") if isinstance(answer, str) else answer
    word = "key vault" if word in ("vault", "keyvault", "soft-deleted vault") else word
    return compare(
        word, "key vault", "soft delete keeps a vault, and its name, until it is purged."
    )


def same_identity(answer: object) -> Verdict:
    """Is an identity that is made again under its old name the old one?"""
    word = answer.lower().strip() if isinstance(answer, str) else answer
    why = "a new principal with new ids; old roles do not come alive for it."
    return compare(word, "no", why, "the name is the same; compare the client ids.")


def proof(answer: object) -> Verdict:
    """What proves that an application is the lab's: its name or its tag?"""
    why = "anybody may give an application any display name; the tag names this lab's group."
    return compare(_lower(answer), "tag", why, "could two applications have the same one?")


def in_roles(answer: object) -> Verdict:
    """Which of the two ids goes into a role assignment?"""
    why = "roles are given to principals; the client id only says as whom to sign in."
    return compare(_lower(answer), "principal id", why, "roles are given to principals.")


def told_by(answer: object) -> Verdict:
    """Where does a pod that never started say why?"""
    why = "the kubelet writes them about the pod, which cannot say anything itself."
    return compare(_lower(answer), "events", why, "not where a running program writes.")


def _lower(answer: object) -> object:
    return answer.lower().strip() if isinstance(answer, str) else answer


def _credential(lab: Lab, column: str) -> str:
    """What app 1's federated identity credential says in `column`, read from Azure."""
    from akswi_helpers import identity

    found = identity.federated_credentials(lab).reset_index()
    return str(found.loc[found["identity"] == "id-app1", column].iloc[0])


def _kind(answer: object) -> str:
    return f"of type {type(answer).__name__}"
