"""An interrupt while something is being finished: answered once, then obeyed."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from akswi_helpers.interrupts import finishing


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_interrupt_is_answered_and_the_second_obeyed(
    number: int, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> str:
        with finishing("It goes on."):
            os.kill(os.getpid(), number)
            said = capfd.readouterr().err
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), number)
        return said

    assert interrupted() == "\nIt goes on.\n"
    assert capfd.readouterr().err == ""


def test_what_answered_before_answers_again() -> None:
    before = signal.getsignal(signal.SIGINT)
    with finishing("It goes on."):
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


def test_nothing_changes_in_another_thread() -> None:
    found: list[object] = []

    def look() -> None:
        with finishing("It goes on."):
            found.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [before]
