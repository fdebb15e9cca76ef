"""Pods as a learner meets them, through the real kubectl and helm."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from akswi_helpers.places import shipped
from tests.sandbox.cluster.running.conftest import Host, Terminal, events, pods, until

IMAGE = "mcr.microsoft.com/azurelinux/base/python:3.12"
CHART = str(shipped("charts") / "workloadIdApp1")
VALUES = "azureWorkloadIdentity.clientId=11111111-1111-4111-8111-111111111111,keyvaultName=kv-app1"


def run_pod(shell: Terminal, namespace: str, code: str, *more: str) -> None:
    command = ["python3", "-c", code]
    options = ["-n", namespace, f"--image={IMAGE}", *more]
    shell.run("kubectl", "run", "p", *options, "--command", "--", *command)


def state(shell: Terminal, namespace: str) -> str:
    """The STATUS column of the only pod."""
    return shell.run("kubectl", "get", "pods", "-n", namespace, "--no-headers").split()[2]


def test_helm_install_waits_until_the_app_runs_and_uninstall_leaves_nothing(
    shell: Terminal,
) -> None:
    install = ("upgrade", "--install", "app1", CHART, "-n", "app1", "--create-namespace")
    shell.run("helm", *install, "--wait", "--timeout", "20s", "--set", VALUES)
    [pod] = pods(shell, "app1")
    assert pod["status"]["phase"] == "Running"
    assert "login.microsoftonline.com cannot be reached" in until(
        lambda: shell.run("kubectl", "logs", "-n", "app1", "deploy/app1-workloadidapp1"), "a log"
    )
    shell.run("helm", "uninstall", "app1", "-n", "app1", "--wait")
    until(lambda: not pods(shell, "app1"), "the pod to go")
    shell.run("kubectl", "delete", "namespace", "app1")


def test_upgrade_rolls_out_a_new_pod_and_rollback_the_old_template(
    shell: Terminal, namespace: str
) -> None:
    base = ("upgrade", "--install", "app1", CHART, "-n", namespace, "--wait", "--set", VALUES)
    shell.run("helm", *base)
    shell.run("helm", *base, "--set", "pollSeconds=7")
    shell.run("helm", "rollback", "app1", "1", "-n", namespace, "--wait")
    said = shell.run("kubectl", "rollout", "history", "-n", namespace, "deploy/app1-workloadidapp1")
    assert [line.split()[0] for line in said.splitlines() if line[:1].isdigit()] == ["2", "3"]
    env = pods(shell, namespace)[-1]["spec"]["containers"][0]["env"]
    assert {"name": "POLL_SECONDS", "value": "30"} in env


def test_restart_status_undo_and_scale_work_through_kubectl(
    shell: Terminal, namespace: str
) -> None:
    target = ("-n", namespace, "deploy/web")
    shell.run("kubectl", "create", "deploy", "web", "-n", namespace, "--image=nginx:1.29")
    for verb in ("restart", "status", "undo", "status"):
        said = shell.run("kubectl", "rollout", verb, *target)
    assert "successfully rolled out" in said
    shell.run("kubectl", "scale", *target, "--replicas=3")
    shell.run("kubectl", "rollout", "status", *target)
    running = [p for p in pods(shell, namespace) if "deletionTimestamp" not in p["metadata"]]
    assert len(running) == 3


def test_events_tell_the_pods_life_in_order(shell: Terminal, namespace: str) -> None:
    run_pod(shell, namespace, "import time; time.sleep(60)")
    until(lambda: state(shell, namespace) == "Running", "the pod to run")
    assert [reason for reason, _ in events(shell, namespace)] == [
        *("Scheduled", "Pulled", "Created", "Started")
    ]
    shell.run("kubectl", "delete", "pod", "p", "-n", namespace, "--grace-period=1")
    assert ("Killing", "Stopping container p") in events(shell, namespace)


def test_crash_loop_backs_off_and_keeps_the_log(shell: Terminal, namespace: str) -> None:
    run_pod(shell, namespace, "import sys; print('so long'); sys.exit(3)")
    until(lambda: state(shell, namespace) == "CrashLoopBackOff", "the back-off")
    [pod] = pods(shell, namespace)
    [status] = pod["status"]["containerStatuses"]
    assert status["restartCount"] == 1
    assert status["lastState"]["terminated"]["exitCode"] == 3
    assert "back-off 10s restarting failed container=p" in status["state"]["waiting"]["message"]
    for option in ("--previous", "--since=1h", "--tail=5"):
        assert shell.run("kubectl", "logs", "p", "-n", namespace, option) == "so long\n"


@pytest.mark.parametrize(("code", "phase"), [(0, "Succeeded"), (4, "Failed")])
def test_pod_that_never_restarts_ends(
    shell: Terminal, namespace: str, code: int, phase: str
) -> None:
    run_pod(shell, namespace, f"import sys; sys.exit({code})", "--restart=Never")
    until(lambda: pods(shell, namespace)[0]["status"]["phase"] == phase, phase)
    [status] = pods(shell, namespace)[0]["status"]["containerStatuses"]
    assert status["state"]["terminated"]["exitCode"] == code


def test_unknown_image_says_that_the_sandbox_does_not_know_it(
    shell: Terminal, namespace: str
) -> None:
    shell.run("kubectl", "run", "p", "-n", namespace, "--image=ghcr.io/someone/thing:1")
    until(lambda: state(shell, namespace) == "ImagePullBackOff", "the back-off")
    assert any(
        "the sandbox does not know this image" in said for _, said in events(shell, namespace)
    )
    done = shell.result("kubectl", "logs", "p", "-n", namespace)
    assert "is waiting to start: trying and failing to pull image" in done.stderr


def test_edited_config_map_reaches_the_file(shell: Terminal, namespace: str) -> None:
    shell.run("kubectl", "create", "configmap", "c", "-n", namespace, "--from-literal=a=one")
    code = "import time\nwhile True: print(open('/c/a').read(), flush=True); time.sleep(0.1)"
    container = {
        "name": "p",
        "image": IMAGE,
        "command": ["python3", "-c", code],
        "volumeMounts": [{"name": "c", "mountPath": "/c"}],
    }
    volume = {"name": "c", "configMap": {"name": "c"}}
    spec = {"containers": [container], "volumes": [volume], "terminationGracePeriodSeconds": 0}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    shell.run("kubectl", "apply", "-n", namespace, "-f", "-", text=json.dumps(pod))
    until(lambda: "one" in shell.run("kubectl", "logs", "p", "-n", namespace, check=False), "one")
    patch = '{"data":{"a":"two"}}'
    shell.run("kubectl", "patch", "configmap", "c", "-n", namespace, "-p", patch)
    until(lambda: "two" in shell.run("kubectl", "logs", "p", "-n", namespace, "--tail=1"), "two")


def test_missing_config_map_is_a_failed_mount_that_heals(shell: Terminal, namespace: str) -> None:
    spec = {
        "containers": [{"name": "p", "image": "registry.k8s.io/pause:3.10"}],
        "volumes": [{"name": "c", "configMap": {"name": "late"}}],
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    shell.run("kubectl", "apply", "-n", namespace, "-f", "-", text=json.dumps(pod))
    said = 'MountVolume.SetUp failed for volume "c" : configmap "late" not found'
    until(lambda: ("FailedMount", said) in events(shell, namespace), "the event")
    assert state(shell, namespace) == "ContainerCreating"
    shell.run("kubectl", "create", "configmap", "late", "-n", namespace)
    until(lambda: state(shell, namespace) == "Running", "the pod to run")


def test_secret_in_the_environment_that_is_missing_stops_the_container(
    shell: Terminal, namespace: str
) -> None:
    chosen = {"secretKeyRef": {"name": "none", "key": "k"}}
    env = [{"name": "S", "valueFrom": chosen}]
    spec = {"containers": [{"name": "p", "image": "registry.k8s.io/pause:3.10", "env": env}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    shell.run("kubectl", "apply", "-n", namespace, "-f", "-", text=json.dumps(pod))
    until(lambda: state(shell, namespace) == "CreateContainerConfigError", "the state")
    assert ("Failed", 'Error: secret "none" not found') in events(shell, namespace)


def test_probe_that_is_not_emulated_is_named_in_an_event(shell: Terminal, namespace: str) -> None:
    probe = {"httpGet": {"path": "/", "port": 80}}
    container = {"name": "p", "image": "nginx:1.29", "readinessProbe": probe}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [container]},
    }
    shell.run("kubectl", "apply", "-n", namespace, "-f", "-", text=json.dumps(pod))
    until(lambda: any(r == "NotEmulated" for r, _ in events(shell, namespace)), "the event")


def test_pod_that_no_node_takes_stays_pending(shell: Terminal, namespace: str) -> None:
    overrides = '{"spec":{"nodeSelector":{"agentpool":"gone"}}}'
    shell.run(
        *("kubectl", "run", "p", "-n", namespace, "--image=nginx:1.29", f"--overrides={overrides}")
    )
    until(lambda: any(r == "FailedScheduling" for r, _ in events(shell, namespace)), "the event")
    assert state(shell, namespace) == "Pending"
    assert not pods(shell, namespace)[0]["spec"].get("nodeName")


def test_foreground_deletion_takes_the_pods_first(shell: Terminal, namespace: str) -> None:
    shell.run("kubectl", "create", "deploy", "web", "-n", namespace, "--image=nginx:1.29")
    until(lambda: len(pods(shell, namespace)) == 1, "the pod")
    shell.run("kubectl", "delete", "deploy", "web", "-n", namespace, "--cascade=foreground")
    assert pods(shell, namespace) == []


def test_orphaned_pods_stay(shell: Terminal, namespace: str) -> None:
    shell.run("kubectl", "create", "deploy", "web", "-n", namespace, "--image=nginx:1.29")
    until(lambda: len(pods(shell, namespace)) == 1, "the pod")
    [replica_set] = shell.run("kubectl", "get", "rs", "-n", namespace, "-o", "name").split()
    shell.run("kubectl", "delete", "deploy", "web", "-n", namespace, "--cascade=orphan")
    shell.run("kubectl", "delete", replica_set, "-n", namespace, "--cascade=orphan")
    [pod] = pods(shell, namespace)
    assert not {"ownerReferences", "deletionTimestamp"} & set(pod["metadata"])


def test_log_can_be_followed_to_the_end(shell: Terminal, namespace: str) -> None:
    code = "import time\nfor n in range(4): print(n, flush=True); time.sleep(0.2)"
    run_pod(shell, namespace, code, "--restart=Never")
    until(lambda: state(shell, namespace) != "ContainerCreating", "a start")
    assert shell.run("kubectl", "logs", "-f", "p", "-n", namespace) == "0\n1\n2\n3\n"
    assert shell.run("kubectl", "logs", "p", "-n", namespace, "--tail=1") == "3\n"


def test_projected_token_is_made_anew_when_the_clock_moves(
    host: Host, shell: Terminal, namespace: str
) -> None:
    code = "import time\nlast = ''\nwhile True:\n now = open('/var/run/secrets/kubernetes.io/"
    code += "serviceaccount/token').read()\n if now != last: print('new', flush=True)\n"
    code += " last = now; time.sleep(0.05)"
    run_pod(shell, namespace, code)
    until(lambda: shell.run("kubectl", "logs", "p", "-n", namespace, check=False), "a token")

    def move() -> None:
        with host.world.transaction():
            host.world.clock.move(3000)

    host.call(move)
    until(lambda: shell.run("kubectl", "logs", "p", "-n", namespace) == "new\nnew\n", "another")


def test_no_file_of_a_pod_is_readable_by_others(
    host: Host, shell: Terminal, namespace: str
) -> None:
    run_pod(shell, namespace, "import time; print('up', flush=True); time.sleep(60)")
    until(lambda: shell.run("kubectl", "logs", "p", "-n", namespace, check=False), "a log")
    folder: Path = host.folder / "pods"
    modes = {path.stat().st_mode & 0o077 for path in folder.rglob("*")}
    assert modes == {0}


def test_node_that_goes_takes_its_pods_along(shell: Terminal, namespace: str) -> None:
    shell.run("kubectl", "create", "deploy", "web", "-n", namespace, "--image=nginx:1.29")
    until(lambda: state(shell, namespace) == "Running", "the pod to run")
    [before] = pods(shell, namespace)
    extra = subprocess.list2cmdline([before["spec"]["nodeName"]])
    shell.run("kubectl", "cordon", extra)
    shell.run("kubectl", "drain", extra, "--force", "--ignore-daemonsets", "--grace-period=1")
    shell.run("kubectl", "uncordon", extra)
    until(lambda: state(shell, namespace) == "Running", "another pod")
