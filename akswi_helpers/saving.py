"""papermill's own engine, but it writes the notebook once a second instead of twice a cell.

    papermill.execute_notebook(…, engine_name=saving.engine())

Writing a page of eighty cells 160 times costs more than running most of them. At the end it is
written in any case, also after an error or Ctrl-C. Source: papermill/engines.py, 2.7. Left out:
everything else, which is papermill's.
"""

from __future__ import annotations

from typing import Any

from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines

NAME = "akswi"
EVERY_S = 1.0


class Seldom(NotebookExecutionManager):  # type: ignore[misc]
    """What papermill knows of a notebook that runs; saved seldom."""

    def save(self, **kwargs: Any) -> None:
        """Write the notebook, unless that was done less than a second ago and more will come."""
        since = (self.now() - self.last_save_time).total_seconds()
        if self.end_time is not None or since >= EVERY_S:
            super().save(**kwargs)


class SeldomEngine(NBClientEngine):  # type: ignore[misc]
    """papermill's engine with that manager."""

    @classmethod
    def execute_notebook(
        cls, nb: Any, kernel_name: str, output_path: str | None = None, **kwargs: Any
    ) -> Any:
        """The executed notebook, as papermill's own engine would return it."""
        own = ("progress_bar", "log_output", "autosave_cell_every")
        given = {name: kwargs.pop(name) for name in own if name in kwargs}
        manager = Seldom(nb, output_path=output_path, **given)
        manager.notebook_start()
        try:
            cls.execute_managed_notebook(manager, kernel_name, **kwargs)
        finally:
            manager.cleanup_pbar()
            manager.notebook_complete()
        return manager.nb


def engine() -> str:
    """The engine's name, under which papermill knows it now."""
    papermill_engines.register(NAME, SeldomEngine)
    return NAME
