"""This sandbox's certificate authority, and the certificates of the hosts it answers for.

The authority is made once per sandbox and kept, so that terminals and kubeconfigs that trust it
stay good across restarts. Its key lies in the 0700 folder, mode 0600; the hosts' keys live in
memory. Nothing is installed system-wide.

Source: https://trustme.readthedocs.io/. Left out: client certificates, revocation.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme

from akswi_helpers.sandbox import private_files
from akswi_helpers.sandbox.world import StateRefused


class Authority:
    """The certificate authority kept in `folder` as ca.pem and ca.key; made when missing."""

    def __init__(self, folder: Path) -> None:
        self.ca_file = folder / "ca.pem"
        self._key_file = folder / "ca.key"
        self._folder = folder
        self._contexts: dict[tuple[str, ...], ssl.SSLContext] = {}
        self._authority = self._kept() or self._made()

    def server_context(self, *names: str) -> ssl.SSLContext:
        """A TLS context with a certificate for the host names; the same one when asked again."""
        if names not in self._contexts:
            self._contexts[names] = self._fresh(names)
        return self._contexts[names]

    def _kept(self) -> trustme.CA | None:
        if not (self.ca_file.is_file() and self._key_file.is_file()):
            return None
        try:
            return trustme.CA.from_pem(self.ca_file.read_bytes(), self._key_file.read_bytes())
        except ValueError as error:
            raise StateRefused(
                f"The sandbox's certificate authority {self.ca_file} cannot be read. "
                "`akswi sandbox reset` makes a new one."
            ) from error

    def _made(self) -> trustme.CA:
        made = trustme.CA(organization_name="akswi sandbox")
        private_files.write(self._key_file, made.private_key_pem.bytes())
        private_files.write(self.ca_file, made.cert_pem.bytes())
        return made

    def _fresh(self, names: tuple[str, ...]) -> ssl.SSLContext:
        issued = self._authority.issue_cert(*names)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        # OpenSSL loads from a file only; this one is private, in our folder, and gone at once.
        with issued.private_key_and_cert_chain_pem.tempfile(dir=str(self._folder)) as path:
            context.load_cert_chain(path)
        return context
