"""The canary: secrets and tokens of a whole walk, searched in all that the walk leaves and says.

The sandbox's own folder is left out: it is where they are kept, for its owner alone. So is the one
file that kubectl reads its token from. Left out: secrets that a cell prints because it was asked.
"""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from akswi_helpers.lab import Lab, open_lab
from akswi_helpers.sandbox import process
from akswi_helpers.scenarios import SCENARIOS
from akswi_helpers.vaults import SECRET, name
from tests.chain.standing import Standing

# Three parts, the last one a signature: whoever has it can use it.
TOKEN = re.compile(rb"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}")

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """A home after every notebook but the last, a report and a handout of it."""
    shell = Standing(tmp_path_factory.mktemp("home"))
    out = shell.home / "out"
    out.mkdir()
    try:
        report = str(out / "report.json")
        said = shell.akswi("run", "--yes", "--out", str(out), "--report", report, check=False)
        (out / "said.txt").write_text(said.stdout + said.stderr)
        shell.akswi("handout", "--from", str(out), "--out", str(out / "handout.html"))
        yield shell
    finally:
        process.stop(shell.home)


@pytest.fixture
def lab(walked: Standing, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setenv("AKSWI_HOME", str(walked.home))
    monkeypatch.setenv("AKSWI_HEADLESS", "1")
    return open_lab("07")


def _left(home: Path) -> dict[Path, bytes]:
    """What lies outside of the sandbox's own folder, file by file; pictures are decoded, too."""
    files = [path for path in home.rglob("*") if path.is_file() and not path.is_symlink()]
    kept = [path for path in files if path.relative_to(home).parts[0] != "sandbox"]
    return {path: _decoded(path.read_bytes()) for path in kept}


def _decoded(content: bytes) -> bytes:
    hidden = re.findall(rb"base64,([A-Za-z0-9+/=]+)", content)
    return b"\n".join([content, *(base64.b64decode(text) for text in hidden)])


def _holding(walked: Standing, secret: str) -> list[str]:
    plain = secret.encode()
    forms = (plain, base64.b64encode(plain), plain.hex().encode())
    return [p.name for p, text in _left(walked.home).items() if any(form in text for form in forms)]


def test_the_walk_left_what_is_searched(walked: Standing, lab: Lab) -> None:
    found = {path.name for path in _left(walked.home)}
    assert {"said.txt", "report.json", "handout.html", "07-see-them-work.ipynb"} <= found
    assert {"kubeconfig", "ledger.jsonl"} <= found
    assert _holding(walked, lab.resource_group)


def test_no_value_of_a_vault_is_left_anywhere(walked: Standing, lab: Lab) -> None:
    for scenario in SCENARIOS:
        value = lab.cloud.secrets(name(lab, scenario.name)).get_secret(SECRET).value
        assert value
        assert _holding(walked, value) == []


def test_no_password_of_the_sandbox_is_left_anywhere(walked: Standing) -> None:
    running = process.running(walked.home)
    assert running
    assert _holding(walked, running.settings.client_secret) == []
    assert _holding(walked, running.settings.proxy_password) == []


def test_no_token_is_left_but_the_one_that_kubectl_reads(walked: Standing, lab: Lab) -> None:
    holding = [path for path, text in _left(walked.home).items() if TOKEN.search(text)]
    command = ["grep", "-o", "tokenFile: .*", str(lab.folder / "kubeconfig")]
    named = subprocess.check_output(command, text=True).partition(": ")[2].strip()
    assert [str(path) for path in holding] == [named]
    assert Path(named).stat().st_mode & 0o777 == 0o600
