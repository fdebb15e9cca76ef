"""`kubectl exec` into pods that run, through the real kubectl and the Python client."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.cluster.api.conftest import Client, terminal
from tests.sandbox.cluster.running.conftest import Host, Terminal, pods, until

BUSYBOX = "mcr.microsoft.com/azurelinux/busybox:1.36"
PYTHON = "mcr.microsoft.com/azurelinux/base/python:3.12"
VALUE = "Squirrel-1"
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p"},
    "spec": {
        "terminationGracePeriodSeconds": 0,
        "securityContext": {"runAsUser": 10001, "runAsGroup": 10001},
        "volumes": [
            {"name": "s", "secret": {"secretName": "s"}},
            {"name": "work", "emptyDir": {}},
        ],
        "containers": [
            {
                "name": "app",
                "image": BUSYBOX,
                "command": ["sleep", "infinity"],
                "env": [{"name": "GREETING", "value": "hello"}],
                "volumeMounts": [
                    {"name": "s", "mountPath": "/mnt/store", "readOnly": True},
                    {"name": "work", "mountPath": "/work"},
                ],
            }
        ],
    },
}


@pytest.fixture(scope="module")
def pod(shell: Terminal) -> str:
    """The namespace of a pod that runs, with a secret mounted."""
    shell.run("kubectl", "create", "namespace", "x")
    until(lambda: "default" in shell.run("kubectl", "get", "sa", "-n", "x"), "its account")
    shell.run("kubectl", "create", "secret", "generic", "s", "-n", "x", f"--from-literal=k={VALUE}")
    shell.run("kubectl", "apply", "-n", "x", "-f", "-", text=json.dumps(POD))
    until(lambda: pods(shell, "x")[0].get("status", {}).get("phase") == "Running", "the pod")
    return "x"


def run(
    shell: Terminal, *command: str, options: tuple[str, ...] = (), text: str = ""
) -> subprocess.CompletedProcess[str]:
    return shell.result("kubectl", "exec", "-n", "x", "p", *options, "--", *command, text=text)


def test_cat_prints_the_secret_without_a_newline(shell: Terminal, pod: str) -> None:
    done = run(shell, "cat", "/mnt/store/k")
    assert (done.returncode, done.stdout, done.stderr) == (0, VALUE, "")


def test_sha256sum_is_that_of_the_bytes_in_the_pod(shell: Terminal, pod: str) -> None:
    done = run(shell, "sha256sum", "/mnt/store/k")
    assert done.stdout == f"{hashlib.sha256(VALUE.encode()).hexdigest()}  /mnt/store/k\n"


def test_ls_shows_the_links_of_the_volume(shell: Terminal, pod: str) -> None:
    assert run(shell, "ls", "/mnt/store").stdout == "k\n"
    line = run(shell, "ls", "-l", "/mnt/store").stdout.splitlines()[1]
    assert line.startswith("lrwxrwxrwx    1 root     root             8 ")
    assert line.endswith("k -> ..data/k")
    assert run(shell, "ls", "-lL", "/mnt/store/k").stdout.startswith("-rw-r--r-- ")


def test_env_is_the_containers_own_and_names_no_proxy(shell: Terminal, pod: str) -> None:
    said = run(shell, "env").stdout
    assert "GREETING=hello\n" in said
    assert "proxy" not in said.lower()


@pytest.mark.parametrize(
    ("command", "code", "out", "err"),
    [
        (("printenv", "GREETING"), 0, "hello\n", ""),
        (("printenv", "NONE"), 1, "", ""),
        (("id",), 0, "uid=10001 gid=10001 groups=10001\n", ""),
        (("pwd",), 0, "/\n", ""),
        (("echo", "-n", "a", "b"), 0, "a b", ""),
        (("/bin/cat", "/mnt/store/k"), 0, VALUE, ""),
        (("test", "-f", "/mnt/store/k"), 0, "", ""),
        (("test", "-d", "/mnt/store/k"), 1, "", ""),
        (("head", "-c", "8", "/mnt/store/k"), 0, "Squirrel", ""),
        (("wc", "-c", "/mnt/store/k"), 0, f"{len(VALUE)} /mnt/store/k\n", ""),
        (("readlink", "/mnt/store/k"), 0, "..data/k\n", ""),
        (("cat", "/none"), 1, "", "cat: can't open '/none': No such file or directory\n"),
        (("ls", "/none"), 1, "", "ls: /none: No such file or directory\n"),
        (("cat", "/mnt/store"), 1, "", "cat: read error: Is a directory\n"),
    ],
)
def test_a_command_answers_as_in_busybox(
    shell: Terminal, pod: str, command: tuple[str, ...], code: int, out: str, err: str
) -> None:
    done = run(shell, *command)
    assert (done.returncode, done.stdout) == (code, out)
    assert done.stderr.replace(f"command terminated with exit code {code}\n", "") == err


@pytest.mark.parametrize(
    "path", ["/etc/hostname", "/mnt/store/../../etc/hostname", "/work/out", "/work/up", "/proc/1"]
)
def test_nothing_of_this_machine_can_be_read(
    shell: Terminal, host: Host, pod: str, path: str
) -> None:
    [work] = host.folder.rglob("kubernetes.io~emptydir/work")
    for name, target in (("out", "/etc/hostname"), ("up", "../" * 20 + "etc/hostname")):
        if not (work / name).is_symlink():
            (work / name).symlink_to(target)
    done = run(shell, "cat", path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "No such file or directory" in done.stderr


def test_an_unknown_command_is_refused_in_the_runtimes_words(shell: Terminal, pod: str) -> None:
    done = run(shell, "bash", "-c", "id")
    assert done.returncode == 1
    assert 'exec: "bash": executable file not found in $PATH: unknown' in done.stderr
    assert "stat /opt/x: no such file or directory" in run(shell, "/opt/x").stderr


def test_stdin_reaches_the_command(shell: Terminal, pod: str) -> None:
    done = run(shell, "cat", options=("-i",), text="one\ntwo\n")
    assert (done.returncode, done.stdout) == (0, "one\ntwo\n")
    assert run(shell, "wc", "-l", options=("-i",), text="one\ntwo\n").stdout == "2\n"


def test_a_terminal_gets_carriage_returns(shell: Terminal, pod: str) -> None:
    code = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"
    command = ["kubectl", "exec", "-it", "-n", pod, "p", "--", "ls", "/mnt/store"]
    done = shell.result("python3", "-c", code, *command)
    assert done.returncode == 0, done.stdout
    assert "k\n" in done.stdout.replace("\r", "")


@pytest.mark.parametrize("minor", ["1.30", "1.31", "1.33"])
def test_older_kubectl_execs_and_tells_the_exit_code(shell: Terminal, pod: str, minor: str) -> None:
    found = shutil.which(f"kubectl.{minor}")
    if found is None:
        pytest.skip(f"kubectl.{minor} is not installed")
    assert shell.result(found, "exec", "-n", pod, "p", "--", "cat", "/mnt/store/k").stdout == VALUE
    assert shell.result(found, "exec", "-n", pod, "p", "--", "false").returncode == 1


def test_kubectl_that_speaks_spdy_is_told_what_to_use(shell: Terminal, pod: str) -> None:
    found = shutil.which("kubectl.1.29")
    if found is None:
        pytest.skip("kubectl.1.29 is not installed")
    done = shell.result(found, "exec", "-n", pod, "p", "--", "cat", "/mnt/store/k")
    assert done.returncode == 1
    assert "kubectl 1.30 and newer use WebSocket" in done.stderr


def test_the_python_client_execs(host: Host, pod: str) -> None:
    from kubernetes import client
    from kubernetes.stream import stream

    configuration = client.Configuration(host=f"https://127.0.0.1:{host.cluster.port}")
    configuration.ssl_ca_cert = str(host.authority.ca_file)
    configuration.tls_server_name = host.cluster.spec.fqdn
    configuration.api_key = {"authorization": f"Bearer {host.token('admin')}"}
    configuration.no_proxy = "127.0.0.1"
    with client.ApiClient(configuration) as api:
        command = ["cat", "/mnt/store/k", "/none"]
        options = {"stdout": True, "stderr": True, "stdin": False, "tty": False}
        connect = client.CoreV1Api(api).connect_get_namespaced_pod_exec
        opened = stream(connect, "p", pod, command=command, _preload_content=False, **options)
        opened.run_forever(timeout=10)
        assert opened.read_stdout() == VALUE
        assert opened.returncode == 1
        opened.sock.shutdown()  # close() leaves a socket open that the server has ended


def web_socket(host: Host, token: str, query: str, protocol: str) -> Any:
    """A WebSocket of the smallest client there is. Raises WebSocketBadStatusException."""
    import websocket

    return websocket.create_connection(
        f"wss://127.0.0.1:{host.cluster.port}/api/v1/namespaces/x/pods/p/exec?{query}",
        sslopt={"ca_certs": str(host.authority.ca_file), "check_hostname": False},
        header=[f"Authorization: Bearer {token}"],
        subprotocols=[protocol],
        http_no_proxy=["127.0.0.1"],
        timeout=10,
    )


def test_version_4_of_the_protocol_is_spoken(host: Host, pod: str) -> None:
    query = "command=cat&command=/mnt/store/k&command=/none&stdout=true&stderr=true"
    opened = web_socket(host, host.token("admin"), query, "v4.channel.k8s.io")
    frames = {frame[0]: frame[1:] for frame in (opened.recv() for _ in range(3))}
    opened.shutdown()
    assert frames[1] == VALUE.encode()
    status = json.loads(frames[3])
    assert status["reason"] == "NonZeroExitCode"
    assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "1"}]


def test_a_terminal_is_read_until_it_says_so(host: Host, pod: str) -> None:
    query = "command=cat&stdin=true&stdout=true&tty=true"
    opened = web_socket(host, host.token("admin"), query, "v5.channel.k8s.io")
    for typed in (b"\x04{}", b"\x00one\r", b"\x00\x04"):
        opened.send_binary(typed)
    frames = [opened.recv() for _ in range(3)]
    opened.shutdown()
    assert frames[:2] == [b"\x01one\r\n", b"\x01one\r\n"]
    assert json.loads(frames[2][1:])["status"] == "Success"


@pytest.mark.parametrize(
    ("token", "query", "protocol", "status", "said"),
    [
        ("bad", "command=ls&stdout=true", "v5.channel.k8s.io", 401, "Unauthorized"),
        ("", "command=ls&stdout=true", "base64.channel.k8s.io", 501, "base64.channel.k8s.io"),
        ("", "stdout=true", "v5.channel.k8s.io", 501, "exec without a command"),
        ("", "command=ls", "v5.channel.k8s.io", 400, "at least 1 of stdin, stdout, stderr"),
        ("", "command=ls&stdout=1&container=z", "v5.channel.k8s.io", 400, "z is not valid for pod"),
    ],
)
def test_a_web_socket_is_refused_as_any_request(
    host: Host, pod: str, token: str, query: str, protocol: str, status: int, said: str
) -> None:
    import websocket

    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        web_socket(host, token or host.token("admin"), query, protocol)
    assert refused.value.status_code == status
    assert said in (refused.value.resp_body or b"").decode()


def test_exec_into_a_container_that_waits_is_refused(shell: Terminal, pod: str) -> None:
    shell.run("kubectl", "run", "stuck", "-n", pod, "--image=unknown.example/none:1")
    until(lambda: "Pull" in shell.run("kubectl", "get", "pod", "stuck", "-n", pod), "its refusal")
    done = shell.result("kubectl", "exec", "-n", pod, "stuck", "--", "ls")
    assert done.returncode == 1
    said = 'unable to upgrade connection: container not found ("stuck")'
    assert done.stderr == f"error: Internal error occurred: {said}\n"


@pytest.mark.parametrize(
    ("verbs", "code", "said"),
    [
        (["get", "create"], 0, ""),
        (["get"], 1, 'cannot create resource "pods/exec"'),
        (["create"], 1, "with the verbs get and create of pods/exec"),
        (["list"], 1, 'cannot create resource "pods/exec"'),
    ],
)
def test_exec_needs_the_verbs_get_and_create(
    host: Host, shell: Terminal, pod: str, tmp_path: Path, verbs: list[str], code: int, said: str
) -> None:
    name = "-".join(verbs)
    rights = [*(f"--verb={verb}" for verb in verbs), "--resource=pods/exec"]
    shell.run("kubectl", "create", "role", name, "-n", pod, *rights)
    shell.run(
        "kubectl", "create", "role", f"{name}-see", "-n", pod, "--verb=get", "--resource=pods"
    )
    shell.run("kubectl", "create", "sa", name, "-n", pod)
    for role in (name, f"{name}-see"):
        bound = (f"--role={role}", f"--serviceaccount={pod}:{name}")
        shell.run("kubectl", "create", "rolebinding", role, "-n", pod, *bound)
    done = run(terminal(host, tmp_path, host.token(name, pod)), "cat", "/mnt/store/k")
    assert (done.returncode, done.stdout) == (code, "" if code else VALUE)
    assert said in done.stderr


def test_a_web_socket_without_the_verb_create_is_forbidden(
    host: Host, shell: Terminal, pod: str
) -> None:
    import websocket

    rights = ("--verb=get", "--resource=pods/exec", "-n", pod)
    shell.run("kubectl", "create", "role", "reader", *rights)
    shell.run("kubectl", "create", "sa", "reader", "-n", pod)
    bound = ("--role=reader", f"--serviceaccount={pod}:reader", "-n", pod)
    shell.run("kubectl", "create", "rolebinding", "reader", *bound)
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        web_socket(host, host.token("reader", pod), "command=ls&stdout=1", "v5.channel.k8s.io")
    assert refused.value.status_code == 403
    assert json.loads(refused.value.resp_body or b"")["message"] == 'pods "p" is forbidden: '


def test_exec_without_an_upgrade_is_a_bad_request(host: Host, pod: str) -> None:
    admin = Client(host, host.token("admin"))
    answer = admin("GET", f"/api/v1/namespaces/{pod}/pods/p/exec?command=ls&stdout=true")
    assert (answer.status, answer.body["message"]) == (400, "Upgrade request required")
    missing = admin("GET", f"/api/v1/namespaces/{pod}/pods/none/exec?command=ls&stdout=true")
    assert (missing.status, missing.body["message"]) == (404, 'pods "none" not found')


def test_a_python_image_words_errors_as_coreutils_do(shell: Terminal, pod: str) -> None:
    code = ("--command", "--", "python3", "-c", "import time; time.sleep(60)")
    shell.run("kubectl", "run", "py", "-n", pod, f"--image={PYTHON}", *code)
    shell.run("kubectl", "wait", "pod/py", "-n", pod, "--for=condition=Ready", "--timeout=20s")
    done = shell.result("kubectl", "exec", "-n", pod, "py", "--", "ls", "/none")
    assert done.stderr.startswith("ls: cannot access '/none': No such file or directory\n")
    assert done.returncode == 2


def test_a_container_that_runs_on_keeps_its_environment_for_exec(shell: Terminal, pod: str) -> None:
    assert os.environ.get("GREETING") is None
    shell.run("kubectl", "set", "env", "-n", pod, "pod/p", "GREETING=other", check=False)
    assert run(shell, "printenv", "GREETING").stdout == "hello\n"
