"""One event loop in a thread of its own, for clients that are only async (msgraph-sdk).

    answer(coroutine)           wait for what it returns
    close_with(owner, close)    close what an owner used, once nobody holds the owner

A kernel runs a loop already, and a loop cannot be entered twice; so async clients live on this one,
which starts at the first question and ends with the process. Left out: questions side by side.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Coroutine
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio

Result = TypeVar("Result")


def answer(question: Coroutine[Any, Any, Result]) -> Result:
    """What `question` returns; raises what it raises. An interrupt here cancels it there."""
    import asyncio

    asked = asyncio.run_coroutine_threadsafe(question, _loop())
    try:
        return asked.result()
    except BaseException:
        asked.cancel()
        raise


def close_with(owner: object, close: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `close` on the loop once nobody holds `owner`; never when the process ends first."""

    def end() -> None:
        import asyncio

        asyncio.run_coroutine_threadsafe(close(), _loop())

    weakref.finalize(owner, end).atexit = False


@lru_cache(maxsize=1)
def _loop() -> asyncio.AbstractEventLoop:
    import asyncio

    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="akswi-background", daemon=True).start()
    return loop
