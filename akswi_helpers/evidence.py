"""The proof: the app has the secret, because its fingerprint is the one the vault has.

    table(lab)          a row per app: works or not, how, and the proof
    chain(lab, "app1")  every hop tried, for `diagrams.draw`

Two values are shown as equal or different, and a fingerprint only by its beginning. An app gets the
time to read again before it is called different. Left out: waiting for longer than that.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from akswi_helpers import apps, explain, pod_tokens, progress, scenarios, vaults
from akswi_helpers.diagrams import Chain, Hop, Status
from akswi_helpers.errors import LabError, NotThereYet, Refused
from akswi_helpers.parameters import headless
from akswi_helpers.scenarios import Scenario
from akswi_helpers.vaults import Digest

if TYPE_CHECKING:
    import pandas as pd

    from akswi_helpers.lab import Lab

PATIENCE_S = 30
# How long until an app has surely read again: it does every second here, every 30 on Azure.
SANDBOX_READS_S, AZURE_READS_S = 4, 45
_DIGEST = re.compile(r"sha256=([0-9a-f]{64})")
TOKEN_FILE, CLIENT_ID = "AZURE_FEDERATED_TOKEN_FILE", "AZURE_CLIENT_ID"
OF_KEYS = ("AADSTS7000272", "AADSTS90061")  # Entra read the issuer's documents, and said no then


@explain.told
def table(lab: Lab) -> pd.DataFrame:
    """A row per chosen app: whether it works, how, and whether both fingerprints are equal."""
    import pandas as pd

    with progress.step("Comparing what the apps have with what the vaults hold"):
        rows = [_row(lab, scenario) for scenario in lab.scenarios]
    progress.evidence(rows)
    found = pd.DataFrame(rows).set_index("app")
    # The value is random in each sandbox: a committed output holds none of its fingerprint.
    return found.replace(r"sha256=.*", "sha256=…", regex=True) if headless() else found


def works(lab: Lab, app: str) -> bool:
    """Whether the app logged the fingerprint that its vault's secret has now."""
    return logged(lab, app) == vaults.digest(lab, app)


def logged(lab: Lab, app: str, patience_s: float = PATIENCE_S) -> Digest | None:
    """The fingerprint that the app logged last; waited for; None when it says something else."""
    end = time.monotonic() + patience_s
    while True:
        said = _last_line(lab, app)
        if said or time.monotonic() > end:
            found = _DIGEST.search(said)
            return Digest(found[1]) if found else None
        time.sleep(min(0.2, lab.cloud.poll_s))


@explain.told
def chain(lab: Lab, app: str) -> Chain:
    """Every hop of the app's way to its secret, each tried now, until one is refused."""
    scenario, given = scenarios.named(app), _environment(lab, app)
    if TOKEN_FILE not in given:
        return _chain(scenario, 1, "", explain.NO_LABEL)
    if CLIENT_ID not in given:
        return _chain(scenario, 2, "", explain.NO_ANNOTATION)
    got = pod_tokens.exchange(lab, app, client_id=given[CLIENT_ID])
    if isinstance(got, Refused):
        return _chain(scenario, 3 if got.code in OF_KEYS else 2, got.code, _why(got))
    vault = given.get("KEYVAULT_NAME") or vaults.name(lab, app)
    refused = _open(lab, vault, got.value)
    if refused is not None:
        return _chain(scenario, 5, refused.code, _why(refused))
    return _chain(scenario, 7, "", "")


def _row(lab: Lab, scenario: Scenario) -> dict[str, str]:
    kept = vaults.digest(lab, scenario.name)
    found = _settled(lab, scenario.name, kept)
    equal = found == kept
    return {
        "app": scenario.name,
        "works": "yes" if equal else "no",
        "how": scenario.identity,
        "in the pod": repr(found) if found else _said(lab, scenario.name),
        "in the vault": repr(kept),
        "proof": "equal" if equal else "different",
    }


def _settled(lab: Lab, app: str, kept: Digest) -> Digest | None:
    """What the app logged last, once it had the time to read again after a change."""
    end = time.monotonic() + (SANDBOX_READS_S if lab.cloud.is_sandbox else AZURE_READS_S)
    while (found := logged(lab, app)) != kept and time.monotonic() < end:
        time.sleep(min(0.2, lab.cloud.poll_s))
    return found


def _said(lab: Lab, app: str) -> str:
    """The code that the app's log names in place of a fingerprint, or "nothing"."""
    refused = explain.of_log(_last_line(lab, app))
    return refused.code if refused else "nothing"


def _last_line(lab: Lab, app: str) -> str:
    try:
        said = apps.log(lab, app, lines=1, patience_s=0)
    except (LabError, NotThereYet):
        return ""
    return said.strip()


def _environment(lab: Lab, app: str) -> dict[str, str]:
    """The variables of the app's newest pod, those that the webhook gave included."""
    containers = apps.newest_pod(lab, app)["spec"]["containers"]
    rows = [row for one in containers for row in one.get("env", [])]
    return {str(row["name"]): str(row.get("value", "")) for row in rows if row.get("value")}


def _open(lab: Lab, vault: str, access_token: str) -> Refused | None:
    """Ask a vault with the app's own access token; the refusal, or None when it answers."""
    url = f"https://{vault}.vault.azure.net/secrets/{vaults.SECRET}"
    headers = {"Authorization": f"Bearer {access_token}"}
    with lab.http() as session:
        reply = session.get(url, params={"api-version": "7.4"}, headers=headers)
    return explain.of_reply(reply) if reply.status_code >= 400 else None


def _chain(scenario: Scenario, stops: int, code: str, why: str) -> Chain:
    """The six hops; those before `stops` answered, that one is refused, the rest not reached."""
    ways = (
        ("cluster", "pod", "a token that the cluster signed"),
        ("pod", "Entra ID", "that token, in place of a password"),
        ("Entra ID", "cluster", "asks for the cluster's public keys"),
        ("Entra ID", "pod", "an access token for Key Vault"),
        ("pod", "Key Vault", "the access token, and which secret"),
        ("Key Vault", "pod", "the secret, if a role allows it"),
    )
    hops = [
        Hop(
            number,
            source,
            destination,
            what,
            _status(number, stops),
            *_reason(number, stops, code, why),
        )
        for number, (source, destination, what) in enumerate(ways, 1)
    ]
    title = f"How app {scenario.number} gets its secret"
    return Chain(scenario.name, title, tuple(hops))


def _status(number: int, stops: int) -> Status:
    if number < stops:
        return "ok"
    return "refused" if number == stops else "not reached"


def _reason(number: int, stops: int, code: str, why: str) -> tuple[str, str]:
    return (code, why) if number == stops else ("", "")


def _why(refused: Refused) -> str:
    return refused.refusal.why
