"""One notebook run by papermill, and why it stopped, in a learner's words.

Left out: which notebooks, and in which order; see `runner`.
"""

from __future__ import annotations

import asyncio
import warnings
from pathlib import Path
from typing import Any

from akswi_helpers import errors
from akswi_helpers.reporting import Reporter
from akswi_helpers.types import Json

OURS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.LabError)
}


class Stopped(Exception):
    """A notebook did not run to its end; the text says in which cell and why."""


def execute(
    notebook: Path, out: Path, parameters: Json, cell_timeout_s: int, reporter: Reporter
) -> None:
    """Run `notebook` in a kernel of its own and keep it at `out`, also when it stops early.

    Raises Stopped.
    """
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    watch = reporter.watch(notebook)
    try:
        with reporter.following(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            papermill.execute_notebook(
                str(notebook),
                str(out),
                parameters=parameters,
                kernel_name="python3",
                language="python",
                progress_bar=False,
                cwd=str(out.parent),
                execution_timeout=cell_timeout_s,
                shutdown_kernel="immediate",
                config=Config({"KernelManager": {"transport_encryption": "auto"}}),
                on_cell_start=watch.cell_started,
            )
    except PapermillExecutionError as error:
        raise Stopped(f"{watch.where()}: {_reason(error)}") from error
    except CellTimeoutError as error:
        raise Stopped(
            f"{watch.where()}: it ran longer than {cell_timeout_s} seconds; give it more with "
            "--cell-timeout"
        ) from error
    except DeadKernelError as error:
        raise Stopped(f"{watch.where()}: the kernel died, as it does without memory") from error
    except (KeyboardInterrupt, asyncio.CancelledError) as error:
        raise Stopped(f"{watch.where()}: interrupted") from error
    finally:
        if out.exists():
            out.chmod(0o600)


def _reason(error: Any) -> str:
    """What went wrong in the cell, without a traceback."""
    value = str(error.evalue).strip()
    return value if error.ename in OURS else f"{error.ename}: {value}"
