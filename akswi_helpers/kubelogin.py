"""A small stand-in for Azure's kubelogin, so that AKS's own kubeconfig works on the sandbox.

    kubelogin get-token --server-id ID -l spn|azurecli   an ExecCredential with an Entra token
    kubelogin convert-kubeconfig -l spn|azurecli         make a kubeconfig sign in that way

Variables win over options, as in the real one: AAD_LOGIN_METHOD, AZURE_TENANT_ID, AZURE_CLIENT_ID,
AZURE_CLIENT_SECRET (or AAD_SERVICE_PRINCIPAL_CLIENT_ID and _SECRET).

Source: https://azure.github.io/kubelogin/. Left out: people (device code, browser), msi, workload
identity, certificates, sovereign clouds, the token cache.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from akswi_helpers.types import Json

LOGIN = "https://login.microsoftonline.com"
API_VERSION = "client.authentication.k8s.io/v1"
METHODS = ("spn", "azurecli")
OTHER_METHOD = (
    "On the sandbox nobody can sign in as a person (asked for: {0}). Set AAD_LOGIN_METHOD=spn, as "
    "`akswi sandbox env` does, or run `kubelogin convert-kubeconfig -l spn`."
)


class Failed(Exception):
    """One sentence for standard error."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        if asked.command == "get-token":
            print(json.dumps(credential(asked)))  # noqa: T201
        else:
            convert(_kubeconfig(asked.kubeconfig), _method(asked.login))
    except Failed as error:
        print(f"kubelogin (akswi sandbox): {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def credential(asked: argparse.Namespace) -> Json:
    """The ExecCredential for `--server-id`. Raises Failed with Entra's own words."""
    token, expires = _by_az(asked) if _method(asked.login) == "azurecli" else _by_secret(asked)
    moment = datetime.fromtimestamp(expires, UTC)
    status = {"expirationTimestamp": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "token": token}
    return {
        "kind": "ExecCredential",
        "apiVersion": _api_version(),
        "spec": {"interactive": False},
        "status": status,
    }


def convert(path: Path, method: str) -> None:
    """Let every user of the kubeconfig at `path` that runs kubelogin sign in by `method`."""
    import yaml

    from akswi_helpers.sandbox import private_files

    try:
        config = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise Failed(f"{path} cannot be read ({type(error).__name__}).") from error
    if not isinstance(config, dict):
        raise Failed(f"{path} is not a kubeconfig.")
    for user in config.get("users") or []:
        run = (user.get("user") or {}).get("exec")
        if run and Path(str(run.get("command"))).name == "kubelogin":
            run["args"] = _converted([str(one) for one in run.get("args") or []], method)
    private_files.write(path, yaml.safe_dump(config, sort_keys=False).encode())


def _converted(words: list[str], method: str) -> list[str]:
    old, _ = _parser().parse_known_args(words)
    wanted = {
        "--login": method,
        "--environment": old.environment,
        "--tenant-id": old.tenant_id,
        "--server-id": old.server_id,
    }
    return ["get-token", *(word for pair in wanted.items() if pair[1] for word in pair)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kubelogin", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    get = commands.add_parser("get-token")
    get.add_argument("--server-id", required=True)
    get.add_argument("--client-id", default="")
    get.add_argument("--client-secret", default="")
    get.add_argument("--tenant-id", "-t", default="")
    get.add_argument("--environment", "-e", choices=["AzurePublicCloud"])
    get.add_argument("--login", "-l", default="devicecode")
    to = commands.add_parser("convert-kubeconfig")
    to.add_argument("--kubeconfig", default="")
    to.add_argument("--login", "-l", default="devicecode")
    return parser


def _method(option: str) -> str:
    method = os.environ.get("AAD_LOGIN_METHOD") or option
    if method not in METHODS:
        raise Failed(OTHER_METHOD.format(method))
    return method


def _by_secret(asked: argparse.Namespace) -> tuple[str, float]:
    form = {
        "grant_type": "client_credentials",
        "client_id": _value("AZURE_CLIENT_ID", asked.client_id, "client id"),
        "client_secret": _value("AZURE_CLIENT_SECRET", asked.client_secret, "client secret"),
        "scope": f"{asked.server_id}/.default",
    }
    answer = _token(_value("AZURE_TENANT_ID", asked.tenant_id, "tenant id"), form)
    return str(answer["access_token"]), time.time() + int(answer["expires_in"])


def _by_az(asked: argparse.Namespace) -> tuple[str, float]:
    command = ["az", "account", "get-access-token", "--resource", asked.server_id, "-o", "json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        answer = json.loads(done.stdout)
        return str(answer["accessToken"]), float(answer["expires_on"])
    except FileNotFoundError as error:
        raise Failed("az is not on PATH.") from error
    except (ValueError, KeyError, subprocess.TimeoutExpired) as error:
        raise Failed("az gave no token: run `az login` first.") from error


def _value(variable: str, option: str, what: str) -> str:
    own = variable.replace("AZURE_CLIENT", "AAD_SERVICE_PRINCIPAL_CLIENT")
    found = os.environ.get(own) or os.environ.get(variable) or option
    if not found:
        raise Failed(f"the {what} is missing: set {variable}.")
    return found


def _kubeconfig(option: str) -> Path:
    named = option or os.environ.get("KUBECONFIG", "").partition(os.pathsep)[0]
    return Path(named) if named else Path.home() / ".kube" / "config"


def _api_version() -> str:
    try:
        asked = json.loads(os.environ.get("KUBERNETES_EXEC_INFO", "{}"))
        return str(asked.get("apiVersion") or API_VERSION)
    except (ValueError, AttributeError):
        return API_VERSION


def _token(tenant: str, form: dict[str, str]) -> Json:
    url = f"{LOGIN}/{urllib.parse.quote(tenant, safe='')}/oauth2/v2.0/token"
    request = urllib.request.Request(url, urllib.parse.urlencode(form).encode())
    request.add_header("User-Agent", "kubelogin (akswi)")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        with error:
            raise Failed(_why(error.read())) from error
    except OSError as error:
        raise Failed(f"{LOGIN} cannot be reached: {error}") from error


def _why(body: bytes) -> str:
    try:
        return str(json.loads(body)["error_description"])
    except (ValueError, KeyError, TypeError):
        return "Entra refused, without saying why."


if __name__ == "__main__":
    sys.exit(main())
