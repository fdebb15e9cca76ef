"""Waiting for an effect: what the helpers do while Azure takes its time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from akswi_helpers import waiting
from akswi_helpers.errors import Refusal, Refused
from akswi_helpers.lab import Lab
from akswi_helpers.sandbox import control


def lab(target: str = "azure") -> Lab:
    """As much of a lab as waiting needs: nobody is asked anything."""
    cloud = SimpleNamespace(is_sandbox=target == "sandbox", poll_s=0.01, patience_s=60)
    return cast("Lab", SimpleNamespace(cloud=cloud))


def refused(code: str) -> Refused:
    return Refused(Refusal("Key Vault", code, 403, f"Key Vault refused: {code} (403).", "why", "x"))


def test_until_returns_what_is_found_at_last() -> None:
    found = iter([None, "", "here"])
    assert waiting.until(lab(), lambda: next(found), "it is not here", "look") == "here"


def test_until_says_what_is_missing_and_what_to_do_when_the_limit_passes() -> None:
    with pytest.raises(waiting.TooLate) as late:
        waiting.until(lab(), lambda: False, "the vault is shut", "knock", limit_s=0)
    assert str(late.value) == "After 0 seconds the vault is shut: knock."


def test_answers_tells_a_refusal_that_passes_from_one_that_stays() -> None:
    def refuse(code: str) -> None:
        raise refused(code)

    assert not waiting.answers(lambda: refuse("ForbiddenByRbac"))
    assert waiting.answers(lambda: None)
    with pytest.raises(Refused, match="SecretNotFound"):
        waiting.answers(lambda: refuse("SecretNotFound"))


def test_dial_below_its_default_makes_no_other_wait_shorter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [
        {"name": "mount-back-off", "value": 0, "default": 2},
        {"name": "graph-write", "value": 30, "default": 0},
    ]
    monkeypatch.setattr(control, "ask", lambda *_: {"dials": rows})
    assert waiting.lag_s(lab("sandbox")) == 30


def test_azure_gets_the_time_that_it_documents() -> None:
    assert waiting.lag_s(lab()) > 600 + 122
    assert waiting.patience_s(lab()) == 60
