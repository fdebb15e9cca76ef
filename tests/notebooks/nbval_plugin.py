"""What pytest loads beside nbval: each notebook gets a lab of its own before its kernel starts.

    pytest -p tests.notebooks.nbval_plugin --nbval … notebooks

Runs on every worker; with `--dist loadfile` all cells of one notebook are on the same one. Left
out: comparing; nbval does that.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from nbval.plugin import IPyNbCell

from tests.notebooks.labs import prepared

# The first cell also waits for a cluster and an app.
CELL_TIMEOUT_S = 300

_open: dict[Path, ExitStack] = {}
_failed: dict[Path, str] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the cells the time that a deployment takes."""
    for item in items:
        if isinstance(item, IPyNbCell):
            item.add_marker(pytest.mark.timeout(CELL_TIMEOUT_S))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Prepare the notebook's lab before nbval starts its kernel, once."""
    if not isinstance(item, IPyNbCell) or item.path in _open:
        return
    if item.path in _failed:
        pytest.fail(f"its lab could not be prepared: {_failed[item.path]}", pytrace=False)
    stack = ExitStack()
    try:
        stack.enter_context(prepared(item.path))
    except Exception as error:
        _failed[item.path] = repr(error)
        raise
    _open[item.path] = stack


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Take the lab away after the notebook's last cell, when the kernel is gone."""
    if nextitem is None or nextitem.path != item.path:
        stack = _open.pop(item.path, None)
        if stack is not None:
            stack.close()
