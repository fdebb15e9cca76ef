"""Keeps the token files of this home's labs good, so that a terminal left open goes on working.

A lab's kubeconfig names `<home>/sandbox-<group>/token`; whoever made it signed in for an hour. The
sandbox puts a new token for the same principal and audience in its place before it expires. Only a
token that this sandbox signed is renewed. Left out: labs on Azure; there each helper call renews.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from akswi_helpers.sandbox import private_files
from akswi_helpers.sandbox.azure.entra import access_tokens
from akswi_helpers.sandbox.azure.entra.access import ENTRA
from akswi_helpers.sandbox.azure.entra.directory import Directory
from akswi_helpers.sandbox.tokens import BadToken, SigningKeys
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json

RENEW_BEFORE = 15 * 60  # seconds before it expires
EVERY = 60


async def keep_fresh(world: World, home: Path) -> None:
    """Renew every lab's token file in time, until cancelled."""
    while True:
        for path in home.glob("sandbox-*/token"):
            await renew(world, path)
        await asyncio.sleep(EVERY)


async def renew(world: World, path: Path) -> bool:
    """Put a new token at `path` when the one there is ours and about to expire; whether it did."""
    claims = _ours(world, path)
    if claims is None or claims["exp"] - world.clock.now() > RENEW_BEFORE:
        return False
    principal = world.state(Directory).by_client_id(claims["appid"])
    if principal is None or claims["aud"] not in access_tokens.RESOURCES:
        return False
    proof, capabilities = claims["appidacr"], claims.get("xms_cc", [])
    token = await access_tokens.issue(world, principal, claims["aud"], proof, capabilities)
    private_files.write(path, token.text.encode())
    return True


def _ours(world: World, path: Path) -> Json | None:
    try:
        return world.state(SigningKeys).verify(ENTRA, path.read_text().strip())
    except (OSError, UnicodeDecodeError, BadToken):
        return None
