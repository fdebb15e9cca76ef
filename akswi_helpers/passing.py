"""A page that is about other apps than the lab's: it says so, and its other cells are passed over.

    over(lab, stage)    say it in one sentence, and pass over the cells that follow
    nothing()           run every cell again

For `open_lab`. A run from the command line ends green there, and so does Run All. Cells that open
the lab, import, or set plain values always run, so that another choice ends it; so does the one
that says what still costs money. Source: IPython's `ast_transformers`. Left out: a lab that is not
in a notebook; there is nothing to pass over there.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from akswi_helpers.lab import Lab
    from akswi_helpers.stages import Stage


def over(lab: Lab, stage: Stage) -> None:
    """Say what the page is about, do what it does for this lab's apps, and pass over the rest."""
    nothing()
    shell = _shell()
    if shell is None:
        return
    print(sentence(lab, stage))  # noqa: T201 - this is the page's own text
    shown = stage.instead(lab)
    if shown is not None:
        shell.display_pub.publish(*shell.display_formatter.format(shown))
    shell.ast_transformers.append(PassOver())


def nothing() -> None:
    """Let every cell run again."""
    shell = _shell()
    if shell is not None:
        shell.ast_transformers[:] = [
            one for one in shell.ast_transformers if not isinstance(one, PassOver)
        ]


def sentence(lab: Lab, stage: Stage) -> str:
    """What is said in place of the page."""
    chosen = " and ".join(one.name for one in lab.scenarios)
    here = f"what concerns {chosen} is here, and " if stage.does_something_instead else ""
    return (
        f"This page is about {' and '.join(stage.about)}, and your lab is about {chosen}: "
        f"{here}its other cells are passed over."
    )


ALWAYS = {"open_lab", "still_running"}


class PassOver(ast.NodeTransformer):
    """Empties each cell, but for those that the page needs in order to be run again."""

    def visit(self, tree: Any) -> Any:
        """The cell as it will run: `tree` itself, or nothing."""
        return tree if all(map(_harmless, tree.body)) or _calls(tree) else ast.Module([], [])


def _harmless(statement: ast.stmt) -> bool:
    """Whether a statement only imports, or gives a name a plain value."""
    if isinstance(statement, ast.Assign):
        try:
            ast.literal_eval(statement.value)
        except ValueError:
            return False
        return True
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _calls(tree: ast.Module) -> bool:
    """Whether one of ALWAYS is called, by whatever module's name."""
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = {one.id for one in called if isinstance(one, ast.Name)}
    return bool(ALWAYS & (names | {one.attr for one in called if isinstance(one, ast.Attribute)}))


def _shell() -> Any:
    from IPython.core.getipython import get_ipython

    return get_ipython()
