"""A page that is about other apps than the lab's: it says so, and its other cells are passed over.

    over(lab, stage)    say it in one sentence, and pass over the cells that follow
    nothing()           run every cell again

For `open_lab`. A run from the command line ends green there, and so does Run All. The cells that
hold the parameters and open the lab always run, so that another choice ends it. Left out: a lab
that is not in a notebook; there is nothing to pass over there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from akswi_helpers.lab import Lab
    from akswi_helpers.stages import Stage

STILL_RUN = ("open_lab(", "catch_up = ", "from akswi_helpers import")


def over(lab: Lab, stage: Stage) -> None:
    """Say what the page is about, do what it does for this lab's apps, and pass over the rest."""
    shell = _shell()
    nothing()
    if shell is None:
        return
    shown = stage.instead(lab)
    print(sentence(lab, stage))  # noqa: T201 - this is the page's own text
    if shown is not None:
        shell.display_pub.publish(*shell.display_formatter.format(shown))
    shell.input_transformers_cleanup.append(_empty)


def nothing() -> None:
    """Let every cell run again."""
    shell = _shell()
    if shell is not None and _empty in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(_empty)


def sentence(lab: Lab, stage: Stage) -> str:
    """What is said in place of the page."""
    chosen = ", ".join(one.name for one in lab.scenarios)
    return (
        f"This page is about {' and '.join(stage.about)}, and your lab is about {chosen}: "
        "the cells below do nothing."
    )


def _empty(lines: list[str]) -> list[str]:
    return lines if any(word in line for line in lines for word in STILL_RUN) else ["\n"]


def _shell() -> Any:
    from IPython.core.getipython import get_ipython

    return get_ipython()
