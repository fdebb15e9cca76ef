"""The `akswi` command: run the notebooks, open them, and look after the sandbox.

    akswi run         the notebooks in order, headless
    akswi preflight   what the lab needs, and who can give it
    akswi lab         JupyterLab on working copies
    akswi handout     the notebooks as one HTML file
    akswi sandbox     start, stop, status, env, reset, log

Whatever cannot go on is one sentence on standard error: exit 2 when it was asked for wrongly, else
1. Nothing heavy is imported until a command needs it.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from akswi_helpers.cli_sandbox import app as sandbox
from akswi_helpers.errors import LabError

app = typer.Typer(
    name="akswi",
    help="How an app on AKS reads a secret from Key Vault without holding a password.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(sandbox, name="sandbox", help="The local stand-in for Azure.")

INTERRUPTED = 130  # what typer makes of Ctrl-C inside a command


@app.command()
def run(
    target: Annotated[str | None, typer.Option(help="sandbox or azure.")] = None,
    resource_group: Annotated[str | None, typer.Option(help="The lab's resource group.")] = None,
    location: Annotated[str | None, typer.Option(help="Azure region, such as westeurope.")] = None,
    scenario: Annotated[
        list[str] | None, typer.Option(help="app1 … app5; repeatable, or app2,app3.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="This notebook alone; repeatable.")] = None,
    from_: Annotated[str, typer.Option("--from", help="Begin with this notebook.")] = "",
    to: Annotated[str, typer.Option(help="End with this notebook.")] = "",
    catch_up: Annotated[bool, typer.Option(help="Do what earlier notebooks do, first.")] = False,
    clean_up: Annotated[bool, typer.Option(help="Run 99 at the end, whatever happens.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Accept what it costs on Azure.")] = False,
    out: Annotated[Path | None, typer.Option(help="Where executed notebooks go.")] = None,
    cell_timeout: Annotated[int, typer.Option(min=1, help="Seconds that a cell may take.")] = 1800,
    report: Annotated[
        Path | None, typer.Option(help="Write what happened to this file, as JSON.")
    ] = None,
) -> None:
    """Run the notebooks in order, without a person."""
    from akswi_helpers import parameters, runner

    os.environ["AKSWI_HEADLESS"] = "1"  # a choice kept in a notebook is not for this run
    walk = runner.Walk(
        parameters.settle(target, resource_group, location, scenario or None),
        tuple(only or ()),
        from_,
        to,
        catch_up,
        clean_up,
        yes,
        out.absolute() if out else None,
        cell_timeout,
        report.absolute() if report else None,
    )
    raise typer.Exit(runner.run(walk))


@app.command()
def preflight(
    target: Annotated[str | None, typer.Option(help="sandbox or azure.")] = None,
    resource_group: Annotated[str | None, typer.Option(help="The lab's resource group.")] = None,
    location: Annotated[str | None, typer.Option(help="Azure region, such as westeurope.")] = None,
    scenario: Annotated[list[str] | None, typer.Option(help="app1 … app5; repeatable.")] = None,
) -> None:
    """Look at what the lab needs (rights, quota, names, programs); nothing is made."""
    from akswi_helpers import preflight
    from akswi_helpers.lab import open_lab
    from akswi_helpers.preflight import telling

    found = preflight.findings(open_lab("00", target, resource_group, location, scenario or None))
    for line in telling.lines(found):
        typer.echo(line)
    raise typer.Exit(int(any(one.stops for one in found)))


@app.command()
def lab(
    fresh: Annotated[bool, typer.Option(help="Put the working copies aside, copy anew.")] = False,
    browser: Annotated[
        bool | None, typer.Option(help="Open a browser, or print the address.")
    ] = None,
) -> None:
    """Open JupyterLab on working copies of the notebooks."""
    from akswi_helpers import jupyter

    jupyter.start(fresh=fresh, browser=browser)


@app.command()
def handout(
    blank: Annotated[
        bool, typer.Option("--blank", help="Leave the outputs out, with room to predict them.")
    ] = False,
    from_: Annotated[
        Path | None,
        typer.Option("--from", help="Executed notebooks; else the last run's, else as shipped."),
    ] = None,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("handout.html"),
) -> None:
    """Turn executed notebooks into one HTML file that needs no other."""
    from akswi_helpers import handout

    folder = from_.absolute() if from_ else handout.source()
    count = handout.make(folder, out.absolute(), blank=blank)
    size = out.stat().st_size // 1024
    typer.echo(f"{out}: {count} notebook{'s' * (count != 1)} from {folder}, {size} KB.")


def main() -> None:
    """The command line's entry point: one sentence and an exit code, never a traceback."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        code = app(standalone_mode=False)
    except KeyboardInterrupt:
        sys.exit(_say("Interrupted; what was made so far stands.", 1))
    except LabError as error:
        sys.exit(_say(str(error), error.exit_code))
    except OSError as error:
        sys.exit(_say(f"The system refused: {error.strerror or error}.", 1))
    except Exception as error:
        sys.exit(_from_typer(error))
    if code == INTERRUPTED:
        code = _say("Interrupted; what was made so far stands.", 1)
    sys.exit(code if isinstance(code, int) else 0)


def _from_typer(error: Exception) -> int:
    """The exit code of typer's own exceptions, their text shown; others are ours to mend."""
    if hasattr(error, "show") and hasattr(error, "exit_code"):
        error.show()
        return int(error.exit_code)
    if isinstance(error, typer.Abort):
        return _say("Interrupted; what was made so far stands.", 1)
    raise error


def _say(text: str, code: int) -> int:
    print(text, file=sys.stderr)  # noqa: T201
    return code


def _as_interrupt(*_: Any) -> None:
    raise KeyboardInterrupt
