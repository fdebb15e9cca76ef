"""Exercises: an answer is right, not yet, or open, and the reason tells which way to look."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from akswi_helpers import checks
from akswi_helpers.checks import Verdict
from akswi_helpers.errors import Refusal, Refused

SUBJECT = "system:serviceaccount:app1:app1-workloadidapp1"
REFUSED = Refused(Refusal("Entra ID", "AADSTS700212", 401, "what", "the audience", "next"))


def test_compare_is_open_for_three_dots() -> None:
    assert checks.compare(..., SUBJECT, "why") is checks.OPEN


def test_compare_gives_the_reason_when_right() -> None:
    assert checks.compare(SUBJECT, SUBJECT, "why") == Verdict("right", "why")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (f" {SUBJECT}", "white space"),
        (SUBJECT + "/", "slash at the end"),
        (SUBJECT.upper(), "upper and lower case"),
        ("app1:app1", "it begins with 'system:'"),
        ("system:serviceaccount:app1:default", "the first 27 characters are right"),
        (SUBJECT[:-1], f"the first {len(SUBJECT) - 1} characters are right"),
        (1, "of type int"),
        (None, "of type NoneType"),
    ],
)
def test_compare_says_what_differs(answer: object, says: str) -> None:
    verdict = checks.compare(answer, SUBJECT, "why")
    assert verdict.word == "not yet"
    assert says in verdict.why


def test_difference_gives_the_rest_of_the_answer_not_away() -> None:
    assert SUBJECT[-8:] not in checks.difference("system:serviceaccount:app2", SUBJECT)


@pytest.mark.parametrize(
    ("answer", "word"),
    [({"app2", "app4"}, "right"), (["app4", "app2"], "right"), ("app2", "not yet"), (4, "not yet")],
)
def test_unread_vaults_takes_any_collection(answer: object, word: str) -> None:
    assert checks.unread_vaults(answer).word == word


def test_unread_vaults_counts_what_is_off() -> None:
    assert checks.unread_vaults({"app1", "app2"}).why == (
        "1 of yours does not belong, and 1 is missing."
    )


@pytest.mark.parametrize("answer", ["AADSTS700212", 700212])
def test_code_takes_the_code_or_its_number(answer: object) -> None:
    assert checks.code(answer, REFUSED) == Verdict("right", "the audience")


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (checks.reach, "app4", "app1"),
        (checks.passwords, 0, False),
        (checks.from_annotation, "AZURE_CLIENT_ID", "AZURE_TENANT_ID"),
        (checks.looked_at, "Pod", "service account"),
        (checks.survivor, "vaults", "cluster"),
        (checks.same_identity, "No", "yes"),
    ],
)
def test_check_knows_right_from_wrong_from_open(
    check: Callable[[object], Verdict], right: object, wrong: object
) -> None:
    verdicts = [check(answer).word for answer in (right, wrong, ...)]
    assert verdicts == ["right", "not yet", "open"]


def test_verdict_shows_as_words_and_escapes_them() -> None:
    verdict = Verdict("not yet", "<b>")
    assert repr(verdict) == "not yet: <b>"
    assert "&lt;b&gt;" in verdict._repr_html_()


def test_code_is_open_where_nothing_was_refused() -> None:
    verdict = checks.code(70025, "app2 is mended already")
    assert verdict.word == "open"
    assert "nothing was refused" in verdict.why
