"""A lab for one notebook, brought to where that notebook begins, and taken away after it.

    with prepared(path): …      AKSWI_HOME and AKSWI_HEADLESS are set for what starts inside

The one way in which outputs are written (`outputs`) and in which they are proven (`nbval_plugin`),
so that the two cannot drift apart. Left out: running the notebook.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from akswi_helpers import places

# What a person may have set in their own shell, and a proof must not depend on.
FOREIGN = (
    "AKSWI_TARGET",
    "AKSWI_RESOURCE_GROUP",
    "AKSWI_LOCATION",
    "AKSWI_PROGRESS",
    "JPY_SESSION_NAME",
    "VSCODE_PID",
)


def notebooks() -> list[Path]:
    """The notebooks, in the order in which a learner meets them."""
    return sorted(places.shipped("notebooks").glob("*.ipynb"))


def stage_of(notebook: Path) -> str:
    """The stage that a notebook's name begins with: "03"."""
    return notebook.name.partition("-")[0]


@contextmanager
def prepared(notebook: Path) -> Iterator[Path]:
    """A fresh AKSWI_HOME in which everything before `notebook` has been done; yields the home.

    The sandbox in it is stopped at the end, whatever happened.
    """
    from akswi_helpers.lab import open_lab
    from akswi_helpers.sandbox import process

    with tempfile.TemporaryDirectory(prefix="akswi-") as folder, _alone(Path(folder)) as home:
        try:
            lab = open_lab(stage_of(notebook), catch_up=True)
            if stage_of(notebook) == "99":
                _make_everything(lab)
            yield home
        finally:
            process.stop(home)


def _make_everything(lab: object) -> None:
    """Cleaning up needs nothing to stand; its page is worth reading where everything does."""
    from akswi_helpers import stages
    from akswi_helpers.lab import Lab

    assert isinstance(lab, Lab)
    stages.bring(lab, "07")


@contextmanager
def _alone(home: Path) -> Iterator[Path]:
    """The environment with this home, headless, and without what a person has set."""
    before = dict(os.environ)
    for name in FOREIGN:
        os.environ.pop(name, None)
    os.environ.update(AKSWI_HOME=str(home), AKSWI_HEADLESS="1")
    try:
        yield home
    finally:
        os.environ.clear()
        os.environ.update(before)
