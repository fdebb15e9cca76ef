"""A private AKSWI_HOME with a sandbox, and a lab in it, for one figure.

    with home() as folder: …        a sandbox runs in it until the end
    with lab("app1") as standing: … and a lab in which these apps are installed

Left out: sharing between figures; what one leaves must not change another.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from akswi_helpers.sandbox import process
from tests.chain.standing import Standing

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def home() -> Iterator[Path]:
    """A fresh home whose sandbox runs; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="akswi-bench-") as folder:
        try:
            process.start(Path(folder))
            yield Path(folder)
        finally:
            process.stop(Path(folder))


@contextmanager
def lab(apps: str = "app1", stage: str = "04") -> Iterator[Standing]:
    """A lab with these apps, brought to where notebook `stage` begins."""
    with home() as folder:
        code = f"from akswi_helpers import open_lab; open_lab({stage!r}, 'sandbox', 'akswi', None, "
        run([sys.executable, "-c", f"{code}{apps!r}, catch_up=True)"], folder)
        yield Standing(folder)


def run(command: list[str], folder: Path, **more: str) -> str:
    """What a command prints, in this home. Raises RuntimeError with its own words."""
    env = {**os.environ, "AKSWI_HOME": str(folder), "AKSWI_HEADLESS": "1", **more}
    # As at a user's: modules are compiled once, not at every start.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:3])} … ended {done.returncode}: {done.stderr}")
    return done.stdout
