"""`akswi sandbox`, as a person types it; a shell makes a terminal of what `env` prints."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent


class Typed:
    """Commands in one home, and in the terminal that `env` makes."""

    def __init__(self, home: Path) -> None:
        self.home, self.exports = home, ""
        self.env = {**os.environ, "AKSWI_HOME": str(home)}

    def akswi(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [str(BIN / "akswi"), "sandbox", *words]
        return subprocess.run(
            command, env=self.env, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )

    def shell(self, script: str) -> str:
        self.exports = self.exports or self.akswi("env", "--resource-group", "lab-1").stdout
        done = subprocess.run(
            ["sh", "-c", f"{self.exports}\n{script}"], env=self.env, capture_output=True, text=True
        )
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typed]:
    typed = Typed(Path(tmp_path_factory.mktemp("home with a space")))
    assert typed.akswi("start").returncode == 0
    yield typed
    typed.akswi("stop")


def test_status_prints_pid_address_state_file_and_uptime(typed: Typed) -> None:
    text = typed.akswi("status").stdout
    assert re.search(r"^pid +\d+\naddress +http://127\.0\.0\.1:\d+\n", text)
    assert str(typed.home / "sandbox" / "state.sqlite") in text
    assert "uptime" in text


def test_dials_are_turned_to_what_is_documented_and_back(typed: Typed) -> None:
    assert re.search(r"^mount-back-off +122 s", typed.akswi("dials", "--documented").stdout)
    assert re.search(r"^mount-back-off +7 s", typed.akswi("dials", "mount-back-off=7").stdout)
    assert re.search(r"^mount-back-off +2 s", typed.akswi("dials", "--default").stdout)


def test_dial_that_is_none_is_refused_in_one_sentence(typed: Typed) -> None:
    refused = typed.akswi("dials", "sleep=1")
    assert (refused.returncode, "There is no dial 'sleep'" in refused.stderr) == (2, True)


def test_start_again_is_the_same_process(typed: Typed) -> None:
    assert (
        typed.akswi("start").stdout.splitlines()[0] == typed.akswi("status").stdout.splitlines()[0]
    )


def test_env_leads_a_shell_to_the_sandbox(typed: Typed) -> None:
    url = "https://login.microsoftonline.com/common/discovery/instance"
    code = f"import urllib.request as u; print(u.urlopen('{url}').status)"
    assert typed.shell(f"'{sys.executable}' -c \"{code}\"").strip() == "200"


def test_env_gives_the_shell_folders_and_programs_of_the_lab(typed: Typed) -> None:
    lab, programs = typed.home / "sandbox-lab-1", typed.home / "sandbox" / "bin"
    assert typed.shell('echo "$KUBECONFIG|$AZURE_CONFIG_DIR"').strip() == (
        f"{lab}/kubeconfig|{lab}/azure"
    )
    found = typed.shell("command -v akswi; command -v kubectl; command -v kubelogin").split("\n")
    assert found[:3] == [str(programs / name) for name in ("akswi", "kubectl", "kubelogin")]


def test_env_twice_in_one_shell_still_finds_the_real_programs(typed: Typed) -> None:
    again = 'eval "$(akswi sandbox env --resource-group lab-1)"; kubectl version --client'
    assert "Client Version" in typed.shell(again)


def test_kubelogin_in_the_shell_prints_a_credential(typed: Typed) -> None:
    server = "6dae42f8-4368-4678-94ff-3960e28e3630"
    printed = json.loads(typed.shell(f"kubelogin get-token --server-id {server}"))
    assert printed["apiVersion"].startswith("client.authentication.k8s.io/v1")
    assert printed["status"]["token"].count(".") == 2


def test_log_prints_a_line_per_request_and_json_for_programs(typed: Typed) -> None:
    typed.shell("kubelogin get-token --server-id x")
    line = typed.akswi("log", "--last", "1").stdout
    assert re.fullmatch(r"\S+Z  400  POST login\.microsoftonline\.com/\S+/token  kubelogin\n", line)
    row = json.loads(typed.akswi("log", "--json").stdout)[-1]
    assert (row["status"], row["user_agent"]) == (400, "kubelogin (akswi)")


def test_reset_names_what_goes_and_removes_nothing_unasked(typed: Typed) -> None:
    done = typed.akswi("reset")
    assert done.stdout.splitlines()[:2] == ["This goes:", f"  {typed.home}/sandbox"]
    assert (done.returncode, "--yes" in done.stderr) == (2, True)
    assert typed.akswi("status").returncode == 0


BAD = {
    "tenant": (("start", "--tenant-id", "contoso"), 2, "--tenant-id takes a GUID"),
    "group": (("env", "--resource-group", "no/such"), 2, "cannot be a resource group"),
    "port": (("start", "--port", "1"), 1, "already runs with --port"),
    "number": (("start", "--port", "99999"), 2, "65535"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence(typed: Typed, case: str) -> None:
    words, code, text = BAD[case]
    done = typed.akswi(*words)
    assert (done.returncode, text in done.stderr) == (code, True)
    assert "Traceback" not in done.stderr


def test_stopped_sandbox_says_so_and_keeps_its_log(tmp_path: Path) -> None:
    typed = Typed(tmp_path)
    assert typed.akswi("status").returncode == 1
    assert "does not run" in typed.akswi("status").stderr
    assert typed.akswi("stop").stdout == "The sandbox did not run.\n"
    typed.akswi("start")
    typed.shell("kubelogin get-token --server-id x")
    assert "everything is kept" in typed.akswi("stop").stdout
    assert "kubelogin" in typed.akswi("log").stdout
    assert typed.akswi("reset", "--yes").stdout.endswith("Removed.\n")
    assert list(tmp_path.iterdir()) == []
