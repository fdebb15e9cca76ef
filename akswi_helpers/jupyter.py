"""`akswi lab`: JupyterLab on working copies, so that a learner never dirties the proven outputs.

The copies lie in `work/` of a clone, else under AKSWI_HOME; they are made once and kept. Neither a
learner's own Jupyter settings nor their notebooks elsewhere are touched. Left out: JupyterHub.
"""

from __future__ import annotations

import os
import shutil
import sys
import webbrowser
from pathlib import Path

from akswi_helpers import places
from akswi_helpers.sandbox import private_files

FIRST = "00-start-here.ipynb"


def working_copies(*, fresh: bool = False) -> Path:
    """The folder of working copies; copies that are missing are made.

    `fresh` puts what is there aside as `work-1`, `work-2`, … and copies everything again.
    """
    folder = (places.clone() or places.home()) / "work"
    if fresh and folder.is_dir():
        folder.rename(_aside(folder))
    folder.mkdir(parents=True, exist_ok=True)
    for notebook in sorted(places.shipped("notebooks").glob("*.ipynb")):
        if not (folder / notebook.name).exists():
            shutil.copyfile(notebook, folder / notebook.name)
    return folder


def start(*, fresh: bool = False, browser: bool | None = None) -> None:
    """Become JupyterLab on the working copies; does not return.

    `browser` None opens one where there is one; else the address is printed.
    """
    folder = working_copies(fresh=fresh)
    opens = _has_browser() if browser is None else browser
    options = [] if opens else ["--no-browser"]
    if os.geteuid() == 0:
        options.append("--allow-root")  # as in a container; it listens on loopback alone
    # At WARN, the address is all that Jupyter says when no browser opens.
    command = [sys.executable, "-m", "jupyterlab", "--log-level=WARN", *options]
    os.chdir(folder)
    os.execve(sys.executable, command, environment(folder))


def environment(folder: Path) -> dict[str, str]:
    """The variables of that JupyterLab: its settings come first, a learner's own come after."""
    own = {key: value for key, value in os.environ.items() if key != "AKSWI_HEADLESS"}
    paths = [str(_settings(folder)), own.get("JUPYTER_CONFIG_PATH", "")]
    return {
        **own,
        "JUPYTER_CONFIG_PATH": os.pathsep.join(path for path in paths if path),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "AKSWI_HOME": str(places.home()),
    }


def _settings(folder: Path) -> Path:
    """Settings that open the first notebook and ask nobody about news."""
    where = places.private(places.home() / "jupyter")
    labconfig = places.private(where / "labconfig")
    news = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}
    private_files.write_json(labconfig / "default_setting_overrides.json", news)
    server = {
        "ServerApp": {"root_dir": str(folder)},
        "LabApp": {"default_url": f"/lab/tree/{FIRST}"},
    }
    private_files.write_json(where / "jupyter_server_config.json", server)
    return where


def _aside(folder: Path) -> Path:
    number = 1
    while (other := folder.with_name(f"{folder.name}-{number}")).exists():
        number += 1
    return other


def _has_browser() -> bool:
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True
