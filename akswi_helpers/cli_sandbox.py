"""`akswi sandbox`: start, stop, status, env, reset, log, dials.

Nothing is imported before a command needs it. Left out: moving the clock, which is for tests.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from akswi_helpers import places
from akswi_helpers.errors import LabError, UsageError
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.process import Running

app = typer.Typer(no_args_is_help=True, add_completion=False)

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


@app.command()
def start(
    tenant_id: Annotated[str, typer.Option(help="The tenant's GUID, for a new sandbox.")] = "",
    subscription_id: Annotated[str, typer.Option(help="The subscription's GUID, likewise.")] = "",
    seed: Annotated[str, typer.Option(help="Where names and ids derive from, likewise.")] = "",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: the last one.")] = 0,
) -> None:
    """Start it, or find it running; it stays until it is stopped."""
    from akswi_helpers.sandbox import process

    _check_guid("--tenant-id", tenant_id)
    _check_guid("--subscription-id", subscription_id)
    wishes = {"tenant_id": tenant_id, "subscription_id": subscription_id, "seed": seed}
    try:
        running = process.start(places.home(), port=port, **wishes)
    except process.StartRefused as error:
        raise LabError(str(error)) from error
    _print_status(running)


@app.command()
def stop() -> None:
    """End it; everything is kept."""
    from akswi_helpers.sandbox import process

    ran = process.stop(places.home())
    typer.echo("The sandbox stopped; everything is kept." if ran else "The sandbox did not run.")


@app.command()
def status() -> None:
    """Print pid, address, state file and uptime."""
    from akswi_helpers.sandbox import process

    running = process.running(places.home())
    if running is None:
        raise LabError("The sandbox does not run. `akswi sandbox start` starts it.")
    _print_status(running)


@app.command()
def env(
    resource_group: Annotated[str, typer.Option(help="The lab that the terminal is for.")] = "",
) -> None:
    """Print the exports that lead a terminal here: eval "$(akswi sandbox env)"."""
    from akswi_helpers import parameters, terminal
    from akswi_helpers.sandbox import process

    group = parameters.settle("sandbox", resource_group or None).resource_group
    try:
        running = process.ensure(places.home())
    except process.StartRefused as error:
        raise LabError(str(error)) from error
    typer.echo(terminal.exports(running, group), nl=False)


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Stop it and remove all that it and its labs kept."""
    from akswi_helpers.sandbox import process

    going = process.kept(places.home())
    if not going:
        typer.echo("There is nothing to remove.")
        return
    typer.echo("\n".join(["This goes:", *(f"  {folder}" for folder in going)]))
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("Say --yes to remove it.")
        typer.confirm("Remove it?", abort=True)
    process.reset(places.home())
    typer.echo("Removed.")


@app.command()
def log(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    last: Annotated[int, typer.Option(min=1, help="How many requests, the newest.")] = 50_000,
) -> None:
    """Print one line per request: time, user agent, method, host, path, status."""
    from akswi_helpers.sandbox import request_log

    rows = request_log.read(places.home() / "sandbox", last)
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        agent = str(row["user_agent"]).partition(" ")[0] or "-"
        where = f"{row['method']} {row['host']}{row['path']}"
        typer.echo(f"{row['time']}  {row['status']}  {where}  {agent}")
    own = places.home() / "sandbox" / "sandbox.log"
    if own.is_file() and own.stat().st_size:
        typer.echo(f"What the sandbox reported about itself is in {own}", err=True)


@app.command()
def dials(
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]…", help="What to turn, to what.")
    ] = None,
    documented: Annotated[bool, typer.Option(help="All as Azure documents itself.")] = False,
    default: Annotated[bool, typer.Option(help="All back, so that nobody waits.")] = False,
) -> None:
    """Print how long and how well Azure works in this sandbox, and set it."""
    from akswi_helpers.sandbox import control

    wanted = _wanted(settings or [])
    try:
        rows = control.ask(places.home(), "dials")["dials"]
        if documented or default:
            column = "documented" if documented else "default"
            wanted = {row["name"]: row[column] for row in rows} | wanted
        rows = control.ask(places.home(), "dials", set=wanted)["dials"]
    except control.NobodyThere as error:
        raise LabError("The sandbox does not run. `akswi sandbox start` starts it.") from error
    except control.ControlError as error:
        raise UsageError(str(error)) from error
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        stands = f"{row['value']:g} {row['unit']}"
        said = f"{row['meaning']}; {_documented(row)}"
        typer.echo(f"{row['name']:{width}}  {stands:>8}  {said}")


def _documented(row: Json) -> str:
    """What Azure says of itself, or that it gives no number."""
    value = f"{row['documented']:g} {row['unit']}".strip()
    return f"documented {value}" if row["number"] else f"no number is documented, we take {value}"


def _wanted(settings: list[str]) -> dict[str, float]:
    wanted = {}
    for text in settings:
        name, _, value = text.partition("=")
        try:
            wanted[name] = float(value)
        except ValueError:
            raise UsageError(f"'{text}' is not NAME=NUMBER, such as mount-back-off=122.") from None
    return wanted


def _print_status(running: Running) -> None:
    typer.echo(f"pid         {running.pid}")
    typer.echo(f"address     {running.address}")
    typer.echo(f"state file  {running.state_file}")
    typer.echo(f"uptime      {_length(running.uptime_s)}")


def _length(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _check_guid(option: str, value: str) -> None:
    if value and not _GUID.fullmatch(value):
        raise UsageError(f"{option} takes a GUID, such as 8c6601e8-97ad-4370-877e-4883ecf05978.")
