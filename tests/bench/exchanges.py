"""A pod's token traded for an access token, beside one RSA signature, which every trade needs.

The whole exchange over the wire: the assertion's issuer, subject and audience matched, its
signature verified with the cluster's keys, an access token signed. Left out: the first exchange,
which fetches those keys.
"""

from __future__ import annotations

import json
import urllib.parse
from contextlib import ExitStack
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.bench.homes import lab
from tests.bench.rows import Row, in_turn, ratio
from tests.bench.wires import Wire, post, rounds
from tests.chain.azure_side import AzureSide
from tests.chain.standing import ACCOUNT, NAMESPACE, Standing

ENTRA = "login.microsoftonline.com"
AUDIENCE = "api://AzureADTokenExchange"
CONNECTIONS, EACH, REPEATS = 8, 20, 7


class Door:
    """The gateway of one sandbox, as a client knows it."""

    def __init__(self, standing: Standing) -> None:
        address = urllib.parse.urlsplit(standing.env["HTTPS_PROXY"])
        self._port, self._password = address.port or 0, address.password or ""
        self._ca = Path(standing.env["REQUESTS_CA_BUNDLE"])

    def wire(self, host: str) -> Wire:
        """A connection to `host`."""
        return Wire(self._port, self._ca, host, self._password)


def rows() -> list[Row]:
    """Seconds per exchange ÷ seconds per signature."""
    key = rsa.generate_private_key(65537, 2048)

    def signatures() -> None:
        for _ in range(CONNECTIONS * EACH):
            key.sign(b"header.claims", padding.PKCS1v15(), hashes.SHA256())

    with lab() as standing, ExitStack() as stack:
        request = _request(standing, AzureSide(standing).outputs["idApp1ClientId"])
        door = Door(standing)
        wires = [stack.enter_context(door.wire(ENTRA)) for _ in range(CONNECTIONS)]
        rounds(wires, request, 5)
        ours, bare = in_turn(REPEATS, lambda: rounds(wires, request, EACH), signatures)
    per_s = CONNECTIONS * EACH / sorted(ours)[REPEATS // 2]
    signed = CONNECTIONS * EACH / sorted(bare)[REPEATS // 2]
    said = f"{per_s:,.0f} exchanges/s at {CONNECTIONS} connections, {signed:,.0f} signatures/s"
    return [Row("federated exchange ÷ one RSA signature", ratio(ours, bare), said=said)]


def access_token(standing: Standing, client_id: str) -> str:
    """App 1's access token for Key Vault, got as its pod gets it."""
    with Door(standing).wire(ENTRA) as wire:
        answer = wire.ask(_request(standing, client_id))
    return str(json.loads(answer.partition(b"\r\n\r\n")[2])["access_token"])


def _request(standing: Standing, client_id: str) -> bytes:
    words = ("create", "token", ACCOUNT, "-n", NAMESPACE, "--audience", AUDIENCE)
    form = {
        "client_id": client_id,
        "scope": "https://vault.azure.net/.default",
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": standing.kubectl(*words).strip(),
    }
    path = f"/{standing.env['AZURE_TENANT_ID']}/oauth2/v2.0/token"
    return post(ENTRA, path, urllib.parse.urlencode(form))
