"""Whether a live object says what a manifest wishes; it may say more."""

import pytest

from akswi_helpers import apps


@pytest.mark.parametrize(
    ("live", "wish"),
    [
        ({"a": 1, "more": 2}, {"a": 1}),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1]}}),
        ({"a": 1}, {"a": 1, "empty": {}, "none": None}),
        ([{"name": "x", "default": 1}], [{"name": "x"}]),
    ],
)
def test_holds_when_everything_wished_is_there(live: object, wish: object) -> None:
    assert apps.holds(live, wish)


@pytest.mark.parametrize(
    ("live", "wish"),
    [
        ({"a": 2}, {"a": 1}),
        ({}, {"a": 1}),
        ({"a": {"labels": {}}}, {"a": {"labels": {"use": "true"}}}),
        ([], [{"name": "x"}]),
        ({"a": "1"}, {"a": 1}),
    ],
)
def test_holds_not_when_something_differs(live: object, wish: object) -> None:
    assert not apps.holds(live, wish)


def test_log_shows_the_beginning_of_a_fingerprint_and_keeps_all_of_it() -> None:
    log = apps.Log(f"ok: sha256={'ab' * 32}\n")
    assert repr(log) == "ok: sha256=abababab…"
    assert "ab" * 32 in log
