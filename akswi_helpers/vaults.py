"""The vaults and their secrets; a value is read to be compared, and never shown.

    digest(lab, "app1")     the fingerprint of what the deployer reads
    read(lab, "app1")       likewise, for a secret of any name; refusals are Azure's
    rotate(lab, "app1")     a new random value

Left out: keys and certificates.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akswi_helpers import explain, infrastructure, ownership
from akswi_helpers.errors import Refused
from akswi_helpers.scenarios import SCENARIOS, named
from akswi_helpers.types import Jws

if TYPE_CHECKING:
    import pandas as pd

    from akswi_helpers.lab import Lab

SECRET = "arbitrarySecret"
CUT = 8


@dataclass(frozen=True, slots=True)
class Digest:
    """The SHA-256 of a secret's value; two can be compared, and it shows only its beginning."""

    hex: str

    def __repr__(self) -> str:
        return f"sha256={self.hex[:CUT]}…"


@explain.told
def read(lab: Lab, app: str, secret: str = SECRET) -> Digest:
    """The fingerprint of a secret's value in one app's vault, as the signed-in person reads it.

    Raises Refused: SecretNotFound, SecretDisabled, ForbiddenByRbac.
    """
    value = lab.cloud.secrets(name(lab, app)).get_secret(secret).value or ""
    return Digest(hashlib.sha256(value.encode()).hexdigest())


def digest(lab: Lab, app: str) -> Digest:
    """The fingerprint of the app's secret as its vault holds it now."""
    return read(lab, app)


@explain.told
def rotate(lab: Lab, app: str) -> Digest:
    """Write a new random value as the app's secret; its fingerprint.

    Raises LabError when the vault is not the lab's.
    """
    vault = name(lab, app)
    found = lab.cloud.vaults().vaults.get(lab.resource_group, vault)
    ownership.refuse_foreign(f"The vault '{vault}'", found.tags, lab.resource_group)
    lab.cloud.secrets(vault).set_secret(SECRET, secrets.token_urlsafe(24))
    return digest(lab, app)


def opened_by(lab: Lab, vault: str, access_token: Jws) -> Refused | None:
    """Ask a vault with an app's own access token; the refusal, or None when it answers.

    What it answers is dropped.
    """
    url = f"https://{vault}.vault.azure.net/secrets/{SECRET}"
    headers = {"Authorization": f"Bearer {access_token}"}
    with lab.http() as session:
        reply = session.get(url, params={"api-version": "7.4"}, headers=headers)
    return explain.of_reply(reply) if reply.status_code >= 400 else None


def name(lab: Lab, app: str) -> str:
    """The name of one app's vault."""
    return infrastructure.outputs(lab)[named(app).vault_output]


def names(lab: Lab) -> dict[str, str]:
    """Every app's vault."""
    return {scenario.name: name(lab, scenario.name) for scenario in SCENARIOS}


@explain.told
def table(lab: Lab) -> pd.DataFrame:
    """The five vaults: whether roles decide, and how long a deleted one is kept."""
    import pandas as pd

    apps = {vault: app for app, vault in names(lab).items()}
    listed = lab.cloud.vaults().vaults.list_by_resource_group(lab.resource_group)
    rows = [
        {
            "app": apps.get(str(row.name), ""),
            "vault": row.name,
            "roles decide": "yes" if row.properties.enable_rbac_authorization else "no",
            "kept after deletion": f"{row.properties.soft_delete_retention_in_days} days",
        }
        for row in listed
    ]
    columns = ["app", "vault", "roles decide", "kept after deletion"]
    return pd.DataFrame(rows, columns=columns).sort_values("app", ignore_index=True)
