"""The chart of app 1 with the real helm, and its program as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from akswi_helpers.places import shipped

CHART = shipped("charts") / "workloadIdApp1"
PROGRAM = CHART / "files" / "app1.py"
CLIENT = "11111111-1111-4111-8111-111111111111"
GOOD = (f"azureWorkloadIdentity.clientId={CLIENT}", "keyvaultName=kv-app1")
ENV = {
    "AZURE_CLIENT_ID": CLIENT,
    "AZURE_TENANT_ID": "t",
    "AZURE_FEDERATED_TOKEN_FILE": "/nowhere/token",
    "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
    "KEYVAULT_NAME": "kv-app1",
    "SECRET_NAME": "arbitrarySecret",
}


def helm(*words: str) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).parent / "helm"
    return subprocess.run(
        [str(tool) if tool.exists() else "helm", *words], capture_output=True, text=True, timeout=60
    )


def template(*values: str) -> subprocess.CompletedProcess[str]:
    sets = [word for value in values for word in ("--set", value)]
    return helm("template", "app1", str(CHART), "-n", "app1", *sets)


def objects(*values: str) -> dict[str, dict[str, object]]:
    return {obj["kind"]: obj for obj in yaml.safe_load_all(template(*values).stdout)}


def program(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", str(PROGRAM)]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=20)


def test_lint_is_clean_when_strict() -> None:
    done = helm("lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout
    assert "[WARNING]" not in done.stdout


def test_template_puts_the_label_on_the_pod_and_the_identity_on_the_account() -> None:
    made = objects(*GOOD)
    pod = made["Deployment"]["spec"]["template"]  # type: ignore[index]
    assert pod["metadata"]["labels"]["azure.workload.identity/use"] == "true"
    account = made["ServiceAccount"]["metadata"]
    assert account["annotations"] == {"azure.workload.identity/client-id": CLIENT}  # type: ignore[index]
    assert account["name"] == pod["spec"]["serviceAccountName"] == "app1-workloadidapp1"  # type: ignore[index]


def test_template_carries_the_program_as_it_is() -> None:
    data = objects(*GOOD)["ConfigMap"]["data"]
    assert data == {"app1.py": PROGRAM.read_text()}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (("keyvaultName=kv-app1",), "azureWorkloadIdentity.clientId is not set"),
        ((GOOD[0],), "keyvaultName is not set"),
        ((*GOOD, "keyvaultName=https://kv.vault.azure.net"), "keyvaultName"),
        ((*GOOD, "image.tag=latest"), "image.tag"),
        ((*GOOD, "secretname=x"), "secretname"),
        ((GOOD[1], "azureWorkloadIdentity.clientId=me"), "azureWorkloadIdentity.clientId"),
    ],
)
def test_template_refuses_bad_values(values: tuple[str, ...], said: str) -> None:
    done = template(*values)
    assert done.returncode != 0
    assert said in done.stderr


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (("AZURE_CLIENT_ID",), "azure.workload.identity/client-id"),
        (tuple(n for n in ENV if n.startswith("AZURE_")), "no label azure.workload.identity/use"),
        (("KEYVAULT_NAME",), "KEYVAULT_NAME not set"),
    ],
)
def test_program_ends_with_one_sentence_when_it_lacks_a_variable(
    missing: tuple[str, ...], said: str
) -> None:
    done = program({name: value for name, value in ENV.items() if name not in missing})
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_program_says_why_and_goes_on_until_it_is_told_to_end() -> None:
    command = [sys.executable, "-I", "-S", str(PROGRAM)]
    process = subprocess.Popen(command, env=ENV, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        assert "/nowhere/token" in process.stdout.readline()
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(10) == 0


def test_schema_is_json_schema_that_says_what_it_allows() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert set(values) == set(schema["properties"]) - {"global"}
    assert schema["additionalProperties"] is False
