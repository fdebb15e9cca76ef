"""What a terminal needs to work on a lab of the sandbox: variables, and programs on PATH.

    exports(running, group)     `export NAME=value` lines for a POSIX shell
    programs(folder)            a private folder with akswi, helm, kubectl and kubelogin

A learner's own ~/.azure and ~/.kube are never touched: az, kubectl and helm get folders of the
lab's. Left out: fish and PowerShell.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from akswi_helpers import commands, places
from akswi_helpers.errors import LabError
from akswi_helpers.lab import folder as lab_folder
from akswi_helpers.sandbox import private_files, process
from akswi_helpers.sandbox.process import Running


def exports(running: Running, group: str) -> str:
    """The lines that `eval` makes a terminal of the lab `group` from. They hold secrets."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables(running, group)]
    first = programs(running.home / "sandbox" / "bin")
    return "\n".join([*lines, f'export PATH={shlex.quote(str(first))}:"$PATH"', ""])


def variables(running: Running, group: str) -> list[tuple[str, str]]:
    """The variables but PATH, in the order they are printed."""
    lab = places.private(lab_folder("sandbox", group))
    az, helm = places.private(lab / "azure"), places.private(lab / "helm")
    known = {
        "AKSWI_HOME": str(running.home),
        **process.environment(running),
        "AAD_LOGIN_METHOD": "spn",
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        "AZURE_CONFIG_DIR": str(az),
        "KUBECONFIG": str(lab / "kubeconfig"),
        "KUBECACHEDIR": str(lab / "kube-cache"),
        "HELM_CACHE_HOME": str(helm / "cache"),
        "HELM_CONFIG_HOME": str(helm / "config"),
        "HELM_DATA_HOME": str(helm / "data"),
    }
    return list(known.items())


def programs(folder: Path) -> Path:
    """`folder` with the four programs, as found now; helm or kubectl only where there is one."""
    places.private(folder)
    beside = commands.beside_python
    kubectl = beside("kubectl") or _which("kubectl", folder)
    for name, found in (("akswi", beside("akswi")), ("kubectl", kubectl), ("helm", _helm(folder))):
        _link(folder / name, found)
    private_files.write(folder / "kubelogin", _KUBELOGIN.encode())
    (folder / "kubelogin").chmod(0o700)
    return folder


_KUBELOGIN = f"""#!/bin/sh
exec {shlex.quote(sys.executable)} -P -m akswi_helpers.kubelogin "$@"
"""


def _link(path: Path, target: Path | None) -> None:
    if target is None:
        path.unlink(missing_ok=True)
    elif not path.is_symlink() or path.readlink() != target:
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.symlink_to(target)
        draft.replace(path)


def _helm(folder: Path) -> Path | None:
    from akswi_helpers import helm

    try:
        return helm.find(_path_without(folder))
    except LabError:
        return None


def _which(name: str, folder: Path) -> Path | None:
    found = shutil.which(name, path=_path_without(folder))
    return Path(found) if found else None


def _path_without(folder: Path) -> str:
    # In a terminal made by `env` this folder is first on PATH: a link must not lead to itself.
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if Path(entry) != folder)
