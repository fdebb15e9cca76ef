"""What papermill is given so that its kernels are forked: a manager and its provisioner.

Source: jupyter_client's provisioning. Left out: everything but the launch, which is all that
differs from an ordinary kernel; connection files, keys, signals and shutdown are jupyter_client's.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from akswi_helpers.warm_kernels import CannotFork, Kernels

log = logging.getLogger(__name__)

LAUNCH = [sys.executable, "-m", "ipykernel_launcher"]


class ForkedProvisioner(LocalProvisioner):
    """Launches by forking; what is not our own Python's kernel, in the ordinary way."""

    kernels: Kernels

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel, or start one when it cannot be forked."""
        try:
            if cmd[:3] != LAUNCH or set(kwargs) - {"env", "cwd"}:
                raise CannotFork("it is not an ordinary kernel of this Python")
            cwd = str(kwargs.get("cwd") or Path.cwd())
            process: Any = self.kernels.fork(cmd[3:], kwargs["env"], cwd)
        except CannotFork as error:
            log.info("a kernel was not forked: %s", error)
            return await super().launch_kernel(cmd, **kwargs)
        self.process, self.pid, self.pgid, self.cwd = process, process.pid, process.pid, Path(cwd)
        return self.connection_info


def manager(kernels: Kernels) -> type[AsyncKernelManager]:
    """A kernel manager whose kernels `kernels` forks."""

    class Manager(AsyncKernelManager):
        """Starts its kernel through a ForkedProvisioner."""

        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.provisioner = ForkedProvisioner(
                parent=self, kernel_id="", kernel_spec=self.kernel_spec
            )
            self.provisioner.kernels = kernels

    return Manager
