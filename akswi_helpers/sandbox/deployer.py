"""The service principal that a learner signs in as on the sandbox: akswi-deployer.

Its ids are the same in every sandbox of the same seed; its secret is random and kept in
settings.json. It owns the subscription (`authorization` says so).
"""

from __future__ import annotations

from dataclasses import replace

from akswi_helpers.sandbox.azure.entra.directory import (
    DEPLOYER_NAME,
    Directory,
    Principal,
    digest,
    secret_matches,
)
from akswi_helpers.sandbox.world import World


def settle(world: World, secret: str) -> Principal:
    """The deployer, made when missing, signing in with `secret`; inside a transaction."""
    directory = world.state(Directory)
    found = directory.find(world.ids.fixed("service principal", DEPLOYER_NAME))
    if found is None:
        return directory.add(_new(world, secret))
    if not secret_matches(found, secret):
        return directory.add(replace(found, secrets=[digest(secret)]))
    return found


def _new(world: World, secret: str) -> Principal:
    return Principal(
        object_id=world.ids.fixed("service principal", DEPLOYER_NAME),
        client_id=world.ids.fixed("client", DEPLOYER_NAME),
        display_name=DEPLOYER_NAME,
        kind="Application",
        owner=world.ids.fixed("application", DEPLOYER_NAME),
        secrets=[digest(secret)],
    )
