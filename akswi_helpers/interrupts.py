"""Ctrl-C while something should come to its end: the first is answered, the second is obeyed.

    with finishing("The clean-up goes on …"): …

Source: https://docs.python.org/3/library/signal.html. Left out: Windows' other signals.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def finishing(text: str) -> Iterator[None]:
    """Answer the first interrupt with `text`, on standard error; the next is KeyboardInterrupt.

    Outside the main thread, where no signal arrives, it changes nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = False

    def answer(*_: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        # Unbuffered: the signal may have come in the middle of a print.
        os.write(sys.stderr.fileno(), f"\n{text}\n".encode())

    before = {number: signal.signal(number, answer) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
