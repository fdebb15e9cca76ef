"""One link of a chain broken, read where a learner reads it, and mended: apps 2 to 5.

    broken_and_mended(chains, Link("app2", another_subject, ENTRA + "AADSTS700213: …"))

The app's pod is deleted, so that the next one mounts anew. It must stay in ContainerCreating with
the text in its FailedMount event; mended, the very same pod must get ready and hold what the vault
holds, or another pod where the row says why Kubernetes needs one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from string import Template
from typing import Any

from akswi_helpers.scenarios import named
from tests.chain.azure_side import AzureSide
from tests.chain.standing import BIN, Standing, until

RULE = "-" * 80
DRIVER = 'MountVolume.SetUp failed for volume "secrets-mount" : rpc error: code = Unknown desc = '
WRAPPED = DRIVER + "failed to mount secrets store objects for pod $namespace/$pod, err: "
MOUNT = WRAPPED + "rpc error: code = Unknown desc = failed to mount objects, error: "
OBJECT = MOUNT + "failed to get objectType:secret, objectName:arbitrarySecret, objectVersion:: "
TOKEN_URL = "https://login.microsoftonline.com/$tenant/oauth2/v2.0/token"
ENTRA = OBJECT + (
    f"ClientAssertionCredential authentication failed. FromAssertion(): http call({TOKEN_URL})"
    "(POST) error: reply status code was "
)
CLIENT = ENTRA + '401:\n{"error":"invalid_client","error_description":"'
IDENTITY = "ManagedIdentityCredential authentication failed. "
IMDS = OBJECT + (
    f"{IDENTITY * 2}the requested identity isn't assigned to this resource\n"
    f"GET http://169.254.169.254/metadata/identity/oauth2/token\n{RULE}\n"
    f'RESPONSE 400 Bad Request\n{RULE}\n{{\n  "error": "invalid_request",\n'
    '  "error_description": "'
)


def vault(status: str, code: str, message: str, name: str = "arbitrarySecret/") -> str:
    """What follows the object's name when Key Vault refuses: `status` is "403 Forbidden"."""
    return (
        f"GET https://$vault.vault.azure.net/secrets/{name}\n{RULE}\n"
        f"RESPONSE {status[:3]}: {status}\nERROR CODE: {code}\n{RULE}\n"
        f'{{\n  "error": {{\n    "code": "{code}",\n    "message": "{message}'
    )


BY_RBAC = OBJECT + vault(
    "403 Forbidden", "Forbidden", "Caller is not authorized to perform action on resource."
)
BY_RBAC_TOO = '"innererror": {\n      "code": "ForbiddenByRbac"\n    }'


class Chains:
    """The lab and Azure's side of it, and each app's own side of the cluster."""

    def __init__(self, lab: Standing, azure: AzureSide) -> None:
        self.lab, self.azure = lab, azure

    def __getitem__(self, app: str) -> Mounted:
        return Mounted(self, app)

    @cached_property
    def core(self) -> Any:
        """The official Kubernetes client, as the lab's kubeconfig makes it."""
        from kubernetes import client, config

        connect: Any = config.new_client_from_config
        return client.CoreV1Api(connect(self.lab.env["KUBECONFIG"]))


Break = Callable[[Chains], AbstractContextManager[None]]


@dataclass(frozen=True)
class Link:
    """One row: what is broken, and what the event says; `also` is further on in it."""

    app: str
    breaks: Break
    says: str
    also: str = ""
    restarts: str = ""  # why the pod that failed is not the one that heals


class Mounted:
    """An app whose secret is a file: its pods, their events, its SecretProviderClass."""

    def __init__(self, chains: Chains, app: str) -> None:
        self._chains, self._lab, self.name = chains, chains.lab, app
        self.full_name = named(app).full_name

    @property
    def vault(self) -> str:
        """The name of its vault."""
        return self._chains.azure.outputs[named(self.name).vault_output]

    @property
    def provider_class(self) -> str:
        """The name of its SecretProviderClass."""
        return f"azure-{self.full_name}-{self.vault.lower()}"

    def kubectl(self, *words: str) -> str:
        """What kubectl prints for the app's namespace."""
        return self._lab.kubectl("-n", self.name, *words)

    def upgrade(self, *words: str) -> str:
        """What helm prints when it installs the chart again with the values that it has."""
        chart, where = str(named(self.name).chart), ("-n", self.name)
        return self._lab.run(
            [str(BIN / "helm"), "upgrade", self.name, chart, *where, "--reuse-values", *words]
        )

    def pods(self) -> list[Any]:
        """The pods that are not going away."""
        every = self._chains.core.list_namespaced_pod(self.name).items
        return [pod for pod in every if pod.metadata.deletion_timestamp is None]

    def renew(self) -> None:
        """Delete the pods; the next ones mount anew."""
        self.kubectl("delete", "pod", "--all", "--wait=false")

    def refused(self, link: Link) -> Any:
        """The pod that waits in ContainerCreating, once its event says what the row says."""
        found: list[tuple[Any, str]] = []

        def look() -> str:
            found[:] = self._failures()
            return "\n".join(said for _, said in found)

        until(
            look,
            lambda _: any(self._fits(link, pod, said) for pod, said in found),
            f"an event of {self.name} to say {self._wanted(link, '<pod>')!r} … {link.also!r}",
            within=15,
        )
        return next(pod for pod, said in found if self._fits(link, pod, said))

    def ready(self) -> Any:
        """The app's only pod, once it is ready."""
        self._lab.hurry()
        what = f"{self.name} to have one pod, and that ready"
        until(lambda: " ".join(map(_state, self.pods())), "ready".__eq__, what)
        return self.pods()[0]

    def secret(self, file: str = "arbitrarySecret") -> str:
        """The bytes of a file inside the pod, by kubectl exec."""
        path = f"/mnt/secrets-store/{file}"
        return self.kubectl("exec", f"deploy/{self.full_name}", "--", "cat", path)

    @contextmanager
    def parameters(self, **changes: str | None) -> Iterator[None]:
        """Its SecretProviderClass with other parameters, None for none; put back afterwards."""
        shown = self.kubectl("get", "secretproviderclass", self.provider_class, "-o", "json")
        good = json.loads(shown)["spec"]["parameters"]
        self._patch(changes)
        try:
            yield
        finally:
            self._patch({name: good.get(name) for name in changes})

    def _patch(self, parameters: dict[str, Any]) -> None:
        body = json.dumps({"spec": {"parameters": parameters}})
        self.kubectl(
            "patch", "secretproviderclass", self.provider_class, "--type=merge", "-p", body
        )

    def _failures(self) -> list[tuple[Any, str]]:
        """The FailedMount texts of the pods that wait in ContainerCreating, each with its pod."""
        held = [pod for pod in self.pods() if _state(pod) == "ContainerCreating"]
        waiting = {pod.metadata.uid: pod for pod in held}
        events = self._chains.core.list_namespaced_event(
            self.name, field_selector="reason=FailedMount"
        ).items
        mine = [event for event in events if event.involved_object.uid in waiting]
        return [(waiting[event.involved_object.uid], event.message) for event in mine]

    def _fits(self, link: Link, pod: Any, said: str) -> bool:
        begins = self._wanted(link, pod.metadata.name)
        return said.startswith(begins) and link.also in said[len(begins) :]

    def _wanted(self, link: Link, pod: str) -> str:
        azure = self._chains.azure
        known = {"pod": pod, "namespace": self.name, "class": self.provider_class}
        known |= {"vault": self.vault, "vault1": azure.outputs["kvApp1Name"]}
        known |= {"app2": azure.application.client_id, "app5": azure.outputs["idApp5ClientId"]}
        known |= {"tenant": azure.tenant}
        return Template(link.says).substitute(known)


def broken_and_mended(chains: Chains, link: Link) -> None:
    """Break the link, see it named, mend it, see the secret again."""
    app = chains[link.app]
    with link.breaks(chains):
        if not link.restarts:
            app.renew()
        waiting = app.refused(link)
    healed = app.ready()
    assert (healed.metadata.uid == waiting.metadata.uid) is not bool(link.restarts)
    assert app.secret() == chains.azure.value(named(link.app).number)


@contextmanager
def changed(change: Callable[[], object], back: Callable[[], object]) -> Iterator[None]:
    """What `change` does holds inside; `back` undoes it, whatever happened there."""
    change()
    try:
        yield
    finally:
        back()


def _state(pod: Any) -> str:
    """Whether it is ready, or why its container is not running, or its phase, in a word."""
    if any(row.type == "Ready" and row.status == "True" for row in pod.status.conditions or []):
        return "ready"
    held = [row.state.waiting for row in pod.status.container_statuses or [] if row.state]
    return str(next((one.reason for one in held if one), pod.status.phase))
