"""What a learner may rely on: whom a sandbox answers, what it leaves, and what a pod may do.

Beside these: doors and files that refuse another user (`test_other_user`), the password at the
door (`test_gateway`), what comes back after a crash (`test_process`). macOS has the same calls, and
nobody has run these there. Left out: isolation; pods are processes of the person who runs them.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import yaml

from akswi_helpers.sandbox import control, process
from akswi_helpers.sandbox.process import Running, StartRefused
from tests.chain.standing import Standing
from tests.sandbox.cluster.running.test_launcher import until_gone
from tests.sandbox.test_process import _say_version, answers

PROC = Path("/proc")
on_linux = pytest.mark.skipif(not PROC.is_dir(), reason="only Linux tells this in /proc")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """Apps 1 and 4 at work, made from a shell in which a person keeps something of their own."""
    from akswi_helpers.lab import open_lab

    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AKSWI_HOME", str(home))
        patch.setenv("AKSWI_HEADLESS", "1")
        patch.setenv("MY_OWN_TOKEN", "of-the-person")
        try:
            open_lab("07", scenarios="app1,app4", catch_up=True)
            yield Standing(home)
        finally:
            process.stop(home)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Running, Running]]:
    """The sandboxes of two clones, at work at the same time."""
    homes = tmp_path / "one", tmp_path / "other"
    yield process.start(homes[0], seed="same"), process.start(homes[1], seed="same")
    for home in homes:
        process.stop(home)


def _running(lab: Standing) -> Running:
    found = process.running(lab.home)
    assert found
    return found


def _below(pid: int) -> list[int]:
    """The processes that `pid` started, and theirs: the pods."""
    text = subprocess.check_output(["ps", "-axo", "pid=,ppid="], text=True)
    parents = {int(row.split()[0]): int(row.split()[1]) for row in text.splitlines()}
    children = [child for child, parent in parents.items() if parent == pid]
    return [*children, *(low for child in children for low in _below(child))]


def _listening(pid: int) -> list[str]:
    """The addresses at which a process waits for TCP connections."""
    held = {os.readlink(file) for file in (PROC / str(pid) / "fd").iterdir()}
    found = []
    for table in ("tcp", "tcp6"):
        for row in (PROC / "net" / table).read_text().splitlines()[1:]:
            words = row.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in held:
                found.append(words[1].partition(":")[0])
    return found


@on_linux
def test_every_port_is_open_to_this_machine_alone(lab: Standing) -> None:
    pid = _running(lab).pid
    found = [address for one in (pid, *_below(pid)) for address in _listening(one)]
    assert len(found) >= 2  # the gateway, and the cluster's API
    assert {socket.inet_ntoa(bytes.fromhex(word)[::-1]) for word in found} == {"127.0.0.1"}


def _public_key(running: Running) -> str:
    proxies = {"https": running.proxy_url()}
    url = f"https://login.microsoftonline.com/{running.settings.tenant_id}/discovery/v2.0/keys"
    found = requests.get(url, proxies=proxies, verify=str(running.ca_file), timeout=20)
    return str(found.json()["keys"][0]["n"])


def test_two_sandboxes_share_no_secret(two: tuple[Running, Running]) -> None:
    for secret in ("proxy_password", "client_secret"):
        assert len({getattr(one.settings, secret) for one in two}) == 2
    assert len({one.ca_file.read_bytes() for one in two}) == 2
    assert len({_public_key(one) for one in two}) == 2


def _asked(running: Running, user_and_password: str) -> int:
    proxy = f"http://{user_and_password}@127.0.0.1:{running.port}"
    url = "http://169.254.169.254/metadata/instance"
    return requests.get(url, proxies={"http": proxy}, timeout=20).status_code


def test_a_sandbox_refuses_the_password_of_another(two: tuple[Running, Running]) -> None:
    one, other = two
    assert answers(one)
    assert answers(other)
    assert _asked(one, f"learner:{one.settings.proxy_password}") != 407
    assert _asked(one, f"learner:{other.settings.proxy_password}") == 407


@pytest.mark.parametrize(
    "head",
    [
        "CONNECT login.microsoftonline.com:443 HTTP/1.1",
        "CONNECT management.azure.com:443 HTTP/1.1",
        "CONNECT kv-app1.vault.azure.net:443 HTTP/1.1",
        "GET http://169.254.169.254/metadata/identity/oauth2/token HTTP/1.1",
    ],
)
def test_no_service_answers_without_the_password(lab: Standing, head: str) -> None:
    with socket.create_connection(("127.0.0.1", _running(lab).port), timeout=10) as gateway:
        gateway.sendall(f"{head}\r\nHost: x\r\n\r\n".encode())
        assert gateway.recv(12) == b"HTTP/1.1 407"


@pytest.mark.parametrize("token", ["", "Bearer of-somebody"])
def test_cluster_answers_nobody_without_a_token_of_its_own(lab: Standing, token: str) -> None:
    config = yaml.safe_load((lab.home / "sandbox-akswi" / "kubeconfig").read_text())
    server = config["clusters"][0]["cluster"]["server"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # who asks without rights does not check certificates
        found = requests.get(
            f"{server}/api/v1/secrets", headers={"Authorization": token}, verify=False, timeout=10
        )
    assert server.startswith("https://127.0.0.1:")
    assert (found.status_code, found.json()["reason"]) == (401, "Unauthorized")


def test_stopping_one_clone_leaves_the_other(two: tuple[Running, Running]) -> None:
    one, other = two
    assert one.port != other.port
    process.reset(one.home)
    assert process.running(one.home) is None
    assert answers(other)


# The interpreter may lie where only root can read, so that one right of root's is kept.
AS_NOBODY = (
    *("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"),
    *("--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"),
)
STARTS = """
import os, pathlib, sys
from akswi_helpers.sandbox import process
home = pathlib.Path(sys.argv[1])
try:
    running = process.start(home)
    print(os.stat(running.state_file).st_uid, running.port, flush=True)
    input()
finally:
    process.stop(home)
"""


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can become another user"
)
def test_two_people_work_at_once(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as theirs, stopping(process.start(tmp_path)) as mine:
        os.chown(theirs, 65534, 65534)
        command = [*AS_NOBODY, sys.executable, "-c", STARTS, theirs]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/"
        ) as other:
            assert other.stdout
            owner, port = other.stdout.readline().split() or ("nobody answered", "0")
            both = answers(mine)
            other.communicate("done\n", timeout=30)
    assert (owner, both) == ("65534", True)
    assert int(port) != mine.port


@contextmanager
def stopping(running: Running) -> Iterator[Running]:
    """A sandbox that is stopped in the end."""
    try:
        yield running
    finally:
        process.stop(running.home)


def test_idle_sandbox_comes_back_with_its_state_on_its_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AKSWI_IDLE_HOURS", str(1.0 / 3600))
    first = process.start(tmp_path)
    control.ask(tmp_path, "clock", move=7200)
    end = time.monotonic() + 20
    while process.running(tmp_path) and time.monotonic() < end:
        time.sleep(0.1)
    monkeypatch.delenv("AKSWI_IDLE_HOURS")
    second = process.start(tmp_path)
    try:
        assert second.pid != first.pid
        assert second.settings == first.settings
        assert control.ask(tmp_path, "clock")["offset"] == 7200
    finally:
        process.stop(tmp_path)


@pytest.mark.parametrize("version", [99, -1])
def test_state_of_another_version_is_refused_with_a_way_out_that_works(
    tmp_path: Path, version: int
) -> None:
    process.start(tmp_path)
    process.stop(tmp_path)
    _say_version(tmp_path, version)
    with pytest.raises(StartRefused, match=f"version {version}.*akswi sandbox reset"):
        process.start(tmp_path)
    process.reset(tmp_path)
    with stopping(process.start(tmp_path)) as running:
        assert answers(running)


@pytest.mark.timeout(150)
def test_nothing_that_is_left_can_be_read_by_others(lab: Standing) -> None:
    lab.akswi("run", "--only", "07", "--scenario", "app1", "--out", str(lab.home / "out"))
    kept = [path for path in lab.home.rglob("*") if not path.is_symlink()]
    open_ = [path for path in kept if path.stat().st_mode & 0o077]
    # kubectl opens what it caches, lists of the API's resources, to the group; its folder is shut.
    assert [path for path in open_ if "kube-cache" not in path.parts] == []
    assert stat.S_IMODE((lab.home / "sandbox-akswi" / "kube-cache").stat().st_mode) == 0o700
    assert (lab.home / "out" / "07-see-them-work.ipynb") in kept
    assert stat.S_IMODE(lab.home.stat().st_mode) == 0o700


@on_linux
def test_a_pod_gets_nothing_of_the_person_who_started_it(lab: Standing) -> None:
    running = _running(lab)
    pods = _below(running.pid)
    assert len(pods) >= 2
    for pid in pods:
        given = (PROC / str(pid) / "environ").read_bytes().split(b"\0")
        names = {row.partition(b"=")[0].decode() for row in given}
        assert not names & {"MY_OWN_TOKEN", "AKSWI_HOME", "AZURE_CLIENT_SECRET", "PYTHONPATH"}
        assert running.settings.client_secret.encode() not in b"".join(given)


@on_linux
def test_a_pod_has_limits_and_a_session_of_its_own(lab: Standing) -> None:
    running = _running(lab)
    for pid in _below(running.pid):
        rows = (PROC / str(pid) / "limits").read_text().splitlines()
        soft = {row[:26].strip(): row[26:].split()[0] for row in rows}
        assert (soft["Max core file size"], soft["Max open files"]) == ("0", "256")
        assert "unlimited" not in (soft["Max data size"], soft["Max file size"])
        assert os.getsid(pid) != os.getsid(running.pid)


@pytest.mark.parametrize("end", ["stop", "SIGABRT", "SIGKILL"])
def test_no_pod_outlives_its_sandbox_and_all_come_back(lab: Standing, end: str) -> None:
    running = process.ensure(lab.home)
    pods = _until_pods(running)
    if end == "stop":
        process.stop(lab.home)
    else:
        os.kill(running.pid, getattr(signal, end))
    until_gone([running.pid, *pods])
    assert not set(_until_pods(process.start(lab.home))) & set(pods)


def _until_pods(running: Running, count: int = 2) -> list[int]:
    end = time.monotonic() + 20
    while len(found := _below(running.pid)) < count:
        assert time.monotonic() < end, found
        time.sleep(0.1)
    return found
