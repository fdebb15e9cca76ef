"""The proof: the app has the secret, because its fingerprint is the one the vault has.

    table(lab)          a row per app: works or not, how, and the proof
    picture(table)      the same as a picture, for whoever looks before reading
    chain(lab, "app1")  every hop tried, for `diagrams.draw`

Two values are shown as equal or different, and a fingerprint only by its beginning. An app gets the
time to read again before it is called different. Left out: waiting for longer than that.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from akswi_helpers import (
    apps,
    diagrams,
    explain,
    mounted,
    pod_tokens,
    progress,
    scenarios,
    stills,
    vaults,
    waiting,
)
from akswi_helpers.diagrams import Chain
from akswi_helpers.errors import LabError, NotThereYet, Refused
from akswi_helpers.parameters import headless
from akswi_helpers.scenarios import Scenario
from akswi_helpers.svg import Picture
from akswi_helpers.vaults import Digest

if TYPE_CHECKING:
    import pandas as pd

    from akswi_helpers.lab import Lab

PATIENCE_S = 30
LEFT_OUT = "left out"
# How long until an app has surely read again: it does every second here, every 30 on Azure.
SANDBOX_READS_S, AZURE_READS_S = 4, 45
# A mounted file is read again at each rotation: every two minutes, here as on Azure.
ROTATION_S = 150
_DIGEST = re.compile(r"sha256=([0-9a-f]{64})")
TOKEN_FILE, CLIENT_ID = "AZURE_FEDERATED_TOKEN_FILE", "AZURE_CLIENT_ID"
OF_KEYS = ("AADSTS7000272", "AADSTS90061")  # Entra read the issuer's documents, and said no then


@explain.told
def table(lab: Lab) -> pd.DataFrame:
    """A row per chosen app: whether it works, how, and whether both fingerprints are equal.

    An app that a right is missing for has a row that says so.
    """
    import pandas as pd

    with progress.step("Comparing what the apps have with what the vaults hold"):
        rows = [_row(lab, scenario) for scenario in lab.scenarios]
    rows += [_left_out(lab, scenarios.named(app)) for app in lab.left_out]
    rows.sort(key=lambda row: row["app"])
    progress.evidence(rows)
    found = pd.DataFrame(rows).set_index("app")
    # The value is random in each sandbox: a committed output holds none of its fingerprint.
    return found.replace(r"sha256=.*", "sha256=…", regex=True) if headless() else found


def picture(found: pd.DataFrame) -> Picture:
    """A table of this module as a picture: each pod beside its vault, equal or different."""
    rows = [
        (str(app), row["proof"] == "equal", str(row["in the pod"]))
        for app, row in found.iterrows()
        if row["works"] != LEFT_OUT
    ]
    return stills.evidence(rows)


def works(lab: Lab, app: str) -> bool:
    """Whether the app has, in its log or its file, what its vault's secret is now."""
    return in_the_pod(lab, app) == vaults.digest(lab, app)


def in_the_pod(lab: Lab, app: str) -> Digest | None:
    """The fingerprint of what the app has: of its file's bytes, or the one that app 1 logs."""
    return mounted.digest(lab, app) if scenarios.named(app).mounts else logged(lab, app)


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
    """Every hop of the app's way to its secret, each tried now, until one is refused.

    What a node asks for is read from the kubelet's events: nobody else may ask in its place.
    """
    scenario = scenarios.named(app)
    if scenario.mounts:
        return mounted.chain(lab, scenario)
    given = _environment(lab, app)
    if TOKEN_FILE not in given:
        return _chain(scenario, 1, "", explain.NO_LABEL)
    if CLIENT_ID not in given:
        return _chain(scenario, 2, "", explain.NO_ANNOTATION)
    got = pod_tokens.exchange(lab, app, client_id=given[CLIENT_ID])
    if isinstance(got, Refused):
        return _chain(scenario, 3 if got.code in OF_KEYS else 2, got.code, _why(got))
    vault = given.get("KEYVAULT_NAME") or vaults.name(lab, app)
    refused = vaults.opened_by(lab, vault, got.value)
    if refused is not None:
        return _chain(scenario, 5, refused.code, _why(refused))
    return _chain(scenario, 7, "", "")


def _row(lab: Lab, scenario: Scenario) -> dict[str, str]:
    kept = vaults.digest(lab, scenario.name)
    found = _settled(lab, scenario, kept)
    equal = found == kept
    return {
        "app": scenario.name,
        "works": "yes" if equal else "no",
        "how": scenario.identity,
        "since": scenario.since if equal else "",
        "in the pod": repr(found) if found else _said(lab, scenario),
        "in the vault": repr(kept),
        "proof": "equal" if equal else "different",
    }


def _left_out(lab: Lab, scenario: Scenario) -> dict[str, str]:
    since = {"since": ""} if len(lab.scenarios) > 1 else {}
    return {
        "app": scenario.name,
        "works": LEFT_OUT,
        "how": scenario.identity,
        **since,
        "in the pod": "",
        "in the vault": "",
        "proof": "none: a right is missing",
    }


def _settled(lab: Lab, scenario: Scenario, kept: Digest) -> Digest | None:
    """What the app has, once it had the time to read again after a change.

    One that is refused as before a role counts gets the time that roles take. A file that is not
    there is not waited for: `apps.wait` does that.
    """
    end = time.monotonic() + _patience(lab, scenario)
    last = end + waiting.lag_s(lab)
    while (found := in_the_pod(lab, scenario.name)) != kept:
        now = time.monotonic()
        if (found is None and scenario.mounts) or now > last:
            break
        if now > end and _said(lab, scenario) not in waiting.NOT_YET:
            break
        time.sleep(2 if scenario.mounts else min(0.2, lab.cloud.poll_s))
    return found


def _patience(lab: Lab, scenario: Scenario) -> int:
    if scenario.mounts:
        return ROTATION_S
    return SANDBOX_READS_S if lab.cloud.is_sandbox else AZURE_READS_S


def _said(lab: Lab, scenario: Scenario) -> str:
    """The code that the app's log or events name in place of a secret, or "nothing"."""
    if scenario.mounts:
        return mounted.code(lab, scenario.name)
    refused = explain.of_log(_last_line(lab, scenario.name))
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
    title = f"How app {scenario.number} gets its secret"
    return diagrams.tried(scenario.name, title, ways, stops, code, why)


def _why(refused: Refused) -> str:
    return refused.refusal.why
