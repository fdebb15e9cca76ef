"""One loop beside the one that a kernel runs."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest

from akswi_helpers import background


async def where() -> str:
    return threading.current_thread().name


async def failing() -> None:
    raise ValueError("as it was")


def test_answer_comes_from_the_one_background_thread() -> None:
    assert background.answer(where()) == background.answer(where()) == "akswi-background"


def test_answer_works_while_a_loop_runs_here() -> None:
    async def kernel() -> str:
        return background.answer(where())

    assert asyncio.run(kernel()) == "akswi-background"


def test_answer_raises_what_the_question_raises() -> None:
    with pytest.raises(ValueError, match="as it was"):
        background.answer(failing())


class Owner:
    """Somebody who uses what has to be closed."""


def test_what_an_owner_used_is_closed_once_nobody_holds_it() -> None:
    closed, owner = threading.Event(), Owner()

    async def close() -> None:
        closed.set()

    background.close_with(owner, close)
    assert not closed.is_set()
    del owner
    gc.collect()
    assert closed.wait(5)
