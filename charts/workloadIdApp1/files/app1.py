"""App 1 reads a secret from Key Vault without holding a password.

Its pod has a token that the cluster signed. Entra ID trusts that cluster for this one service
account, takes the token in place of a password, and answers with an access token for Key Vault.

Only the standard library is used, so that every step of the exchange is on this page.
An SDK does the same: azure.identity.WorkloadIdentityCredential.
"""

import hashlib
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

# Four variables come from the workload identity webhook, if the pod asks for them. Where one is
# missing, this says why.
LABEL = 'the pod has no label azure.workload.identity/use: "true"'
INJECTED = {
    "AZURE_CLIENT_ID": "its service account has no annotation azure.workload.identity/client-id",
    "AZURE_TENANT_ID": "the annotation azure.workload.identity/tenant-id is empty",
    "AZURE_FEDERATED_TOKEN_FILE": LABEL,
    "AZURE_AUTHORITY_HOST": LABEL,
}


class RefusedError(Exception):
    """Somebody said no; the text is theirs, in one line."""


def main():
    """Read the secret again and again; say something whenever the answer is a new one."""
    # A container's first process gets no default reaction to SIGTERM: Kubernetes would wait.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    check_environment()
    last = None
    while True:
        try:
            answer = read_secret()
        except (RefusedError, OSError) as error:
            answer = f"error: {error}"
        if answer != last:
            print(answer, flush=True)
        last = answer
        time.sleep(float(os.environ.get("POLL_SECONDS", "30")))


def read_secret():
    """The whole chain: the pod's token, the access token, the secret."""
    assertion = service_account_token()
    access_token = exchange(assertion)
    vault, name = os.environ["KEYVAULT_NAME"], os.environ["SECRET_NAME"]
    value = secret(vault, name, access_token)
    digest = hashlib.sha256(value.encode()).hexdigest()
    return f"ok: {vault} gave {name}, sha256={digest}"  # the digest: a log is no place for a secret


def service_account_token():
    """Step 1. The pod's own token. The kubelet replaces the file before the token expires."""
    with open(os.environ["AZURE_FEDERATED_TOKEN_FILE"], encoding="ascii") as file:
        return file.read()


def exchange(assertion):
    """Step 2. Entra ID takes the pod's token in place of a password."""
    authority, tenant = os.environ["AZURE_AUTHORITY_HOST"], os.environ["AZURE_TENANT_ID"]
    form = {
        "grant_type": "client_credentials",
        "client_id": os.environ["AZURE_CLIENT_ID"],
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
        "scope": "https://vault.azure.net/.default",
    }
    url = f"{authority}{tenant}/oauth2/v2.0/token"
    return ask(url, data=urllib.parse.urlencode(form).encode())["access_token"]


def secret(vault, name, access_token):
    """Step 3. Key Vault checks the access token and the role that the identity has here."""
    url = f"https://{vault}.vault.azure.net/secrets/{name}?api-version=7.4"
    return ask(url, headers={"Authorization": f"Bearer {access_token}"})["value"]


def ask(url, data=None, headers=None):
    """The JSON that `url` answers. Raises RefusedError in the words of whoever refused."""
    request = urllib.request.Request(url, data, headers or {})
    host = request.host
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        raise RefusedError(f"{host} says {error.code}: {reason(error.read())}") from error
    except urllib.error.URLError as error:
        raise RefusedError(f"{host} cannot be reached: {error.reason}") from error


def reason(body):
    """What a refusal says, in one line: AADSTS codes from Entra ID, codes from Key Vault."""
    try:
        said = json.loads(body)
        if isinstance(said["error"], str):
            text = said["error_description"].partition("Trace ID:")[0]
        else:
            inner = said["error"].get("innererror") or {}
            text = f"{inner.get('code', said['error']['code'])}: {said['error']['message']}"
    except (ValueError, KeyError):
        text = body.decode(errors="replace")
    return " ".join(text.split())


def check_environment():
    """End with one sentence when the pod was not given what the exchange needs."""
    missing = [name for name in INJECTED if not os.environ.get(name)]
    if missing:
        why = LABEL if len(missing) == len(INJECTED) else INJECTED[missing[0]]
        sys.exit(f"error: {', '.join(missing)} not set: {why} (then make the pod anew)")
    for name in ("KEYVAULT_NAME", "SECRET_NAME"):
        if not os.environ.get(name):
            sys.exit(f"error: {name} not set: the chart's deployment gives it")


if __name__ == "__main__":
    main()
