"""What a client needs to find this sandbox and to sign in: settings.json, mode 0600.

Written when the sandbox starts and the same after every restart. Left out: anything that changes
while it runs (`akswi sandbox status` asks for that).
"""

from __future__ import annotations

import random
import secrets
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from akswi_helpers.sandbox import private_files
from akswi_helpers.types import ClientId

FILE = "settings.json"
PORTS = range(20_000, 30_000)  # below the ports that systems lend to outgoing connections


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the sandbox listens, its password, and who its learner signs in as."""

    port: int
    proxy_password: str
    client_secret: str
    client_id: ClientId = ""
    tenant_id: str = ""
    subscription_id: str = ""

    def __repr__(self) -> str:
        """The settings without the secrets in them."""
        return f"Settings(port={self.port}, tenant_id={self.tenant_id!r})"


def load(folder: Path) -> Settings | None:
    """The settings kept in `folder`, or None. Raises ValueError when the file is damaged."""
    found = private_files.read_json(folder / FILE)
    try:
        return Settings(**found) if found else None
    except TypeError as error:
        raise ValueError(f"{folder / FILE} is not this version's") from error


def save(folder: Path, settings: Settings) -> None:
    """Keep the settings in `folder`."""
    private_files.write_json(folder / FILE, asdict(settings))


def fresh(port: int = 0) -> Settings:
    """New settings: a port that is free now (or the given one), new random secrets."""
    return Settings(port or free_port(), secrets.token_urlsafe(24), secrets.token_urlsafe(30))


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, one that is likely free again tomorrow."""
    for port in random.sample(PORTS, 50):
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no free port found on 127.0.0.1")
