"""One notebook run by papermill, and why it stopped, in a learner's words.

Left out: which notebooks, and in which order; see `runner`.
"""

from __future__ import annotations

import asyncio
import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from akswi_helpers import errors
from akswi_helpers.reporting import Reporter, Watch
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.warm_kernels import Kernels

OURS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.LabError)
}


class Stopped(Exception):
    """A notebook did not run to its end; the text says in which cell and why."""

    @property
    def interrupted(self) -> bool:
        """Whether a person or the system ended it."""
        return isinstance(self.__cause__, (KeyboardInterrupt, asyncio.CancelledError))


def execute(
    notebook: Path,
    out: Path,
    parameters: Json,
    cell_timeout_s: int,
    reporter: Reporter,
    kernels: Kernels | None = None,
) -> None:
    """Run `notebook` in a kernel of its own and keep it at `out`, also when it stops early.

    The kernel is forked by `kernels`, or started where there are none. Raises Stopped.
    """
    watch = reporter.watch(notebook)
    try:
        with reporter.following(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _run(notebook, out, parameters, cell_timeout_s, watch, kernels)
    except (KeyboardInterrupt, asyncio.CancelledError) as error:
        raise Stopped(f"{watch.where()}: interrupted") from error
    except Exception as error:
        reason = _reason(error, cell_timeout_s)
        if not reason:
            raise
        raise Stopped(f"{watch.where()}: {reason}") from error
    finally:
        _let_go()
        if out.exists():
            out.chmod(0o600)


def _run(
    notebook: Path,
    out: Path,
    parameters: Json,
    cell_timeout_s: int,
    watch: Watch,
    kernels: Kernels | None,
) -> None:
    import papermill
    from traitlets.config import Config

    from akswi_helpers import saving

    # "Kernel died", "Timeout waiting for execute reply": `execute` says it in a sentence.
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    papermill.execute_notebook(
        str(notebook),
        str(out),
        parameters=parameters,
        engine_name=saving.engine(),
        kernel_name="python3",
        language="python",
        progress_bar=False,
        cwd=str(out.parent),
        execution_timeout=cell_timeout_s,
        # Some kernels take 3.5 s to end when they are asked kindly.
        shutdown_kernel="immediate",
        # Sockets, not ports: of two runs, one could take a port that the other was promised.
        config=Config({"KernelManager": {"transport": "ipc", "transport_encryption": "auto"}}),
        on_cell_start=watch.cell_started,
        **_forked_by(kernels),
    )


def _forked_by(kernels: Kernels | None) -> Json:
    """What nbclient is told besides, so that its kernel is forked."""
    if kernels is None:
        return {}
    from akswi_helpers.forked_kernels import manager

    return {"kernel_manager_class": manager(kernels)}


def _let_go() -> None:
    """End the tasks that nbclient leaves waiting for a kernel that was killed.

    After Ctrl-C or a cell's timeout they stay on its loop, where the next notebook would wake them
    to find their kernel gone, and asyncio would print a traceback for each.
    """
    from jupyter_core.utils import ensure_event_loop

    loop = ensure_event_loop()
    loop.set_exception_handler(_report)
    if left := asyncio.all_tasks(loop):
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))


def _report(loop: asyncio.AbstractEventLoop, context: Json) -> None:
    """What asyncio found unheard; not that a kernel died, which its caller was told or wished."""
    from nbclient.exceptions import DeadKernelError

    if not isinstance(context.get("exception"), DeadKernelError):
        loop.default_exception_handler(context)


def _reason(error: Any, cell_timeout_s: int) -> str:
    """What went wrong, without a traceback; "" for what is not the notebook's fault."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    if isinstance(error, PapermillExecutionError):
        said = str(error.evalue).strip()
        return said if error.ename in OURS else f"{error.ename}: {said}"
    if isinstance(error, CellTimeoutError):
        return f"it ran longer than {cell_timeout_s} seconds; give it more with --cell-timeout"
    if isinstance(error, DeadKernelError):
        return "the kernel died, as it does without memory"
    return ""
