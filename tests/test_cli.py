"""The command: one sentence and an exit code, from any working directory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

AKSWI = Path(sys.executable).parent / "akswi"


def _akswi(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "AKSWI_HOME": str(home)}
    return subprocess.run(
        [str(AKSWI), *arguments], env=env, cwd="/", capture_output=True, text=True, timeout=50
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("run", "--target", "aws"), "There is no target 'aws'"),
        (("run", "--only", "44"), "There is no notebook '44'"),
        (("run", "--scenario", "app8"), "There is no scenario 'app8'"),
        (("run", "--resource-group", "a/b"), "'a/b' cannot be a resource group"),
        (("run", "--cell-timeout", "0"), "Invalid value for '--cell-timeout'"),
        (("run", "--nothing"), "No such option: --nothing"),
        (("walk",), "No such command 'walk'"),
    ],
)
def test_usage_is_refused_with_2_and_makes_nothing(
    tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    done = _akswi(tmp_path, *arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "sandbox").exists()


def test_run_asks_for_no_choice_that_a_notebook_kept(tmp_path: Path) -> None:
    (tmp_path / "choice.json").write_text('{"target": "aws"}')
    env = {**os.environ, "AKSWI_HOME": str(tmp_path), "VSCODE_PID": "1", "AKSWI_HEADLESS": "0"}
    command = [str(AKSWI), "run", "--only", "44"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=50)
    assert "There is no notebook '44'" in done.stderr


def test_ctrl_c_is_one_sentence_and_1() -> None:
    code = (
        "import os, signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from akswi_helpers import cli, jupyter;"
        "jupyter.start = lambda **_: os.kill(os.getpid(), signal.SIGINT);"
        "import sys; sys.argv = ['akswi', 'lab']; cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)
    assert done.returncode == 1
    assert done.stderr == "Interrupted; what was made so far stands.\n"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; import akswi_helpers.cli; "
        "heavy = {'azure', 'kubernetes', 'pandas', 'papermill', 'nbformat'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
