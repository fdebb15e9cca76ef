"""The sandbox's own process: `python -m akswi_helpers.sandbox --home FOLDER`.

Started by `process.start`, which learns through `--ready` (a file descriptor) that everything
answers, or why not. One process per home: it holds sandbox.lock while it lives.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import sqlite3
import sys
from pathlib import Path

from akswi_helpers.places import private
from akswi_helpers.sandbox import lock
from akswi_helpers.sandbox.world import StateRefused
from akswi_helpers.types import Json


def main() -> int:
    """Run the sandbox until it is stopped; the exit code: 1 when it could not start."""
    asked = _arguments()
    os.umask(0o077)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s", level="WARNING")
    home = Path(asked.home)
    try:
        with lock.held(private(home / "sandbox")):
            asyncio.run(_run(home, asked))
    except (StateRefused, lock.Held) as error:
        return _failed(asked.ready, str(error))
    except (OSError, sqlite3.Error) as error:
        return _failed(asked.ready, f"The sandbox cannot run: {error}.")
    except Exception as error:
        logging.exception("the sandbox failed")
        what = f"{type(error).__name__}: {error}"
        return _failed(asked.ready, f"The sandbox failed ({what}); see {home}/sandbox/sandbox.log.")
    return 0


async def _run(home: Path, asked: argparse.Namespace) -> None:
    from akswi_helpers.sandbox.server import Sandbox, Wishes

    wishes = Wishes(asked.port, asked.tenant_id, asked.subscription_id, asked.seed)
    sandbox = Sandbox(home, wishes)
    await sandbox.run(lambda: _tell(asked.ready, sandbox.status()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m akswi_helpers.sandbox")
    parser.add_argument("--home", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tenant-id", default="")
    parser.add_argument("--subscription-id", default="")
    parser.add_argument("--seed", default="")
    parser.add_argument("--ready", type=int, default=0)
    return parser.parse_args()


def _failed(ready: int, sentence: str) -> int:
    _tell(ready, {"error": sentence})
    with contextlib.suppress(OSError):  # the log may lie on the full disk that this is about
        print(sentence, file=sys.stderr, flush=True)  # noqa: T201
    return 1


def _tell(ready: int, news: Json) -> None:
    if ready:
        try:
            with os.fdopen(ready, "w") as pipe:
                pipe.write(json.dumps(news) + "\n")
        except OSError:
            pass  # whoever started us is gone, or has heard enough


if __name__ == "__main__":
    sys.exit(main())
