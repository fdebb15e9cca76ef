"""Where things are: the notebooks, charts and templates that travel with us, and AKSWI_HOME.

In a clone they lie beside `pyproject.toml`; in an installed wheel inside the package. Every answer
is absolute, so nothing depends on the working directory. Left out: Windows without WSL.
"""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def clone() -> Path | None:
    """The clone this package runs from, or None when it is an installed wheel."""
    root = PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() and (root / "notebooks").is_dir() else None


def shipped(name: str) -> Path:
    """The folder `name` ("notebooks", "charts" or "bicep") as it was shipped."""
    root = clone()
    return root / name if root else PACKAGE / "shipped" / name


def home() -> Path:
    """AKSWI_HOME, made with mode 0700: this person's sandbox, choices and labs.

    The variable, else `.akswi/` in a clone, else the system's folder for user data.
    """
    folder = private(_home())
    return folder


def private(folder: Path) -> Path:
    """`folder`, made when missing, readable by its owner alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def _home() -> Path:
    if named := os.environ.get("AKSWI_HOME"):
        return Path(named).expanduser().absolute()
    if root := clone():
        return root / ".akswi"
    import platformdirs

    return Path(platformdirs.user_data_dir("akswi"))
