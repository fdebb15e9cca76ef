"""The apps that find their secret as a file: what is in it, and how it came there.

    digest(lab, "app2")     the fingerprint of the bytes inside the pod
    chain(lab, scenario)    every hop from the pod's start to its file

The file is read by the real kubectl, in the pod, and hashed in this process; its bytes are neither
shown nor kept. Left out: Kubernetes Secrets that the driver can copy the file to.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from akswi_helpers import apps, commands, diagrams, events, pod_tokens, vaults
from akswi_helpers.diagrams import Chain
from akswi_helpers.errors import NotThereYet, Refused
from akswi_helpers.scenarios import Scenario
from akswi_helpers.vaults import Digest

if TYPE_CHECKING:
    from akswi_helpers.lab import Lab

FOLDER = "/mnt/secrets-store"
# What the provider does as the pod (apps 2 and 5), and as the node (apps 3 and 4).
AS_THE_POD = (
    ("kubelet", "CSI driver", "mount this volume, and a token for the pod's service account"),
    ("CSI driver", "Entra ID", "that token, in place of a password"),
    ("Entra ID", "cluster", "asks for the cluster's public keys"),
    ("Entra ID", "CSI driver", "an access token for Key Vault"),
    ("CSI driver", "Key Vault", "the access token, and which secret"),
    ("Key Vault", "CSI driver", "the secret, if a role allows it"),
    ("CSI driver", "pod", "a file, before the pod's first command"),
)
AS_THE_NODE = (
    ("kubelet", "CSI driver", "mount this volume"),
    ("CSI driver", "metadata service", "a token for this client id; it asks no pod who it is"),
    ("metadata service", "Entra ID", "the node's identity, if it is on this scale set"),
    ("Entra ID", "CSI driver", "an access token for Key Vault"),
    ("CSI driver", "Key Vault", "the access token, and which secret"),
    ("Key Vault", "CSI driver", "the secret, if a role allows it"),
    ("CSI driver", "pod", "a file, before the pod's first command"),
)
MOUNT, SIGN_IN, KEYS, VAULT, ALL = 1, 2, 3, 5, 8
OF_KEYS = ("AADSTS7000272", "AADSTS90061")  # Entra read the issuer's documents, and said no then


def digest(lab: Lab, app: str) -> Digest | None:
    """The fingerprint of the file inside the app's newest pod; None when there is none."""
    found = apps.live_pods(lab, app)
    if not found or not apps.ready(found[-1]):
        return None
    about = found[-1]["metadata"]
    cat = ["--", "cat", f"{FOLDER}/{vaults.SECRET}"]
    read = commands.kubectl_bytes(lab, ["exec", "-n", about["namespace"], about["name"], *cat])
    return Digest(hashlib.sha256(read).hexdigest()) if read is not None else None


def code(lab: Lab, app: str) -> str:
    """The code in the event that tells why the app has no file, or "nothing"."""
    try:
        refused = events.refusal(lab, app)
    except NotThereYet:
        return "nothing"
    return refused.code if refused else "nothing"


def chain(lab: Lab, scenario: Scenario) -> Chain:
    """Every hop from the pod's start to its file, until one is refused.

    As the pod, Entra and the vault are asked now; as the node, the kubelet's last try counts.
    Raises NotThereYet for an app that is not installed.
    """
    refused, stops = _asked(lab, scenario)
    if refused is None and not apps.is_ready(lab, scenario.name):
        refused = events.refusal(lab, scenario.name)
        stops = _hop(refused) if refused else ALL
    ways = AS_THE_NODE if scenario.is_the_node else AS_THE_POD
    words = (refused.code, refused.refusal.why) if refused else ("", "")
    title = f"How app {scenario.number} gets its secret"
    return diagrams.tried(scenario.name, title, ways, stops, *words)


def _asked(lab: Lab, scenario: Scenario) -> tuple[Refused | None, int]:
    """What Entra and the vault answer now to a token of the pod's; a node cannot be asked for."""
    if scenario.is_the_node:
        return None, ALL
    got = pod_tokens.exchange(lab, scenario.name)
    if isinstance(got, Refused):
        return got, KEYS if got.code in OF_KEYS else SIGN_IN
    refused = vaults.opened_by(lab, vaults.name(lab, scenario.name), got.value)
    return refused, VAULT if refused else ALL


def _hop(refused: Refused) -> int:
    """The hop at which an event says that the mount was refused."""
    service = refused.refusal.service
    if service == "Key Vault" or refused.code == events.NO_VAULT:
        return VAULT
    if refused.code in OF_KEYS:
        return KEYS
    return SIGN_IN if service in ("Entra ID", events.METADATA) else MOUNT
