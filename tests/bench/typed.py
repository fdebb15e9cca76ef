"""The same stages by our helpers, and typed with az, helm and kubectl, on one sandbox.

    deploy · register app 2 and give roles · install five apps · federate app 2 ·
    put app 3's identity on the nodes · read every secret in its pod and in its vault · clean up

The helpers run in one Python, imports included; typed is one process per command, which is what
typing means. Only commands that change or prove something are typed; a person types more.
Left out: az where `make test-clients` has not installed it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from akswi_helpers.scenarios import SCENARIOS, Scenario
from tests.bench.homes import ROOT, home, run
from tests.bench.rows import Absent, Row, in_turn, ratio, seconds
from tests.chain.standing import GROUP, Standing

AZ = ROOT / ".clients" / "az" / "bin"
WHAT = "typed with az, helm, kubectl ÷ our helpers"
AUDIENCE = "api://AzureADTokenExchange"
HELPERS = """
from akswi_helpers import clean_up, open_lab, stages
lab = open_lab("00", "sandbox", "helped")
for stage in stages.STAGES:
    stage.bring(lab)
clean_up.run(lab)
"""


def rows() -> list[Row | Absent]:
    """How many times longer typing takes."""
    if not (AZ / "az").is_file():
        return [Absent(WHAT, "az is not installed: make test-clients builds it")]
    with home() as folder:
        hands = Hands(Standing(folder))
        hands.sign_in()
        typed, helped = in_turn(
            1, hands.everything, lambda: run([sys.executable, "-c", HELPERS], folder)
        )
    said = f"typed {seconds(typed)} ({hands.commands} commands), helpers {seconds(helped)}"
    return [Row(WHAT, ratio(typed, helped), 5.0, at_least=True, said=said)]


class Hands:
    """Somebody at a terminal of the lab."""

    def __init__(self, standing: Standing) -> None:
        self._env = {**standing.env, "PATH": f"{AZ}{os.pathsep}{standing.env['PATH']}"}
        self._known: dict[str, str] = {}
        self.commands = 0

    def sign_in(self) -> None:
        """`az login`, which nobody does for every lab."""
        env = self._env
        words = ("-u", env["AZURE_CLIENT_ID"], "-p", env["AZURE_CLIENT_SECRET"])
        self.az("login", "--service-principal", *words, "--tenant", env["AZURE_TENANT_ID"])

    def everything(self) -> None:
        """Every stage, in order."""
        self.deploy()
        self.register()
        self.install()
        self.federate()
        self.put_on_the_nodes()
        self.prove()
        self.clean_up()

    def deploy(self) -> None:
        """The group, and main.json in it."""
        self.az("group", "create", "-n", GROUP, "-l", "westeurope")
        made = self._deployed("main", str(ROOT / "bicep" / "main.json"))
        self._known = {name: one["value"] for name, one in made["properties"]["outputs"].items()}
        cluster = ("-g", GROUP, "-n", self._known["aksClusterName"])
        self.az("aks", "get-credentials", *cluster, "-f", self._env["KUBECONFIG"])
        shown = self.az("aks", "show", *cluster)
        addon = shown["addonProfiles"]["azureKeyvaultSecretsProvider"]["identity"]
        self._known |= {"addon": addon["objectId"], "app4": addon["clientId"]}
        self._known |= {"nodes": shown["nodeResourceGroup"]}
        self._known |= {"issuer": shown["oidcIssuerProfile"]["issuerUrl"]}

    def register(self) -> None:
        """App 2's application, and roles for apps 2 and 4."""
        self._known["app2"] = self.az("ad", "app", "create", "--display-name", "Typed")["appId"]
        principal = self.az("ad", "sp", "create", "--id", self._known["app2"])["id"]
        for number, who in ((2, principal), (4, self._known["addon"])):
            given = (f"kvName={self._known[f'kvApp{number}Name']}", f"principalId={who}")
            template = str(ROOT / "bicep" / "kvRbac.json")
            self._deployed(f"kvRbac-app{number}", template, "-p", *given)

    def install(self) -> None:
        """Five releases; those that work at first are waited for."""
        for app in SCENARIOS:
            wait = ("--wait",) if app.works_at_first else ()
            where = ("-n", app.namespace, "--create-namespace")
            chart = (app.release, str(app.chart), "--install", *where, *wait)
            self.say("helm", "upgrade", *chart, *self._values(app))

    def federate(self) -> None:
        """App 2's federated credential; then its pod gets ready by itself."""
        app = SCENARIOS[1]
        wanted = {
            "name": "typed",
            "issuer": self._known["issuer"],
            "subject": f"system:serviceaccount:{app.namespace}:{app.full_name}",
            "audiences": [AUDIENCE],
        }
        words = ("--id", self._known["app2"], "--parameters", json.dumps(wanted))
        self.az("ad", "app", "federated-credential", "create", *words)
        self._ready(app)

    def put_on_the_nodes(self) -> None:
        """App 3's identity on the scale set of its pool."""
        found = self.az("vmss", "list", "-g", self._known["nodes"])
        pool = self._known["aksUserNodePoolName"]
        scale_set = next(one["name"] for one in found if pool in one["name"])
        identity = self.az("identity", "show", "-g", GROUP, "-n", "id-app3")["id"]
        where = ("-g", self._known["nodes"], "-n", scale_set)
        self.az("vmss", "identity", "assign", *where, "--identities", identity)
        self._ready(SCENARIOS[2])

    def prove(self) -> None:
        """Each secret, in the pod and in the vault."""
        for app in SCENARIOS:
            pod = (f"deploy/{app.full_name}", "-n", app.namespace)
            if app.mounts:
                self.say("kubectl", "exec", *pod, "--", "ls", "/mnt/secrets-store")
            else:
                self.say("kubectl", "logs", *pod)
            vault = ("--vault-name", self._known[app.vault_output])
            self.az("keyvault", "secret", "show", *vault, "-n", "arbitrarySecret")

    def clean_up(self) -> None:
        """The group, its deleted vaults, the application."""
        self.az("group", "delete", "-n", GROUP, "-y")
        for app in SCENARIOS:
            self.az("keyvault", "purge", "-n", self._known[app.vault_output])
        self.az("ad", "app", "delete", "--id", self._known["app2"])

    def az(self, *words: str) -> Any:
        """One az command; its answer."""
        return json.loads(self.say("az", *words, "-o", "json") or "null")

    def say(self, *command: str) -> str:
        """One command; what it prints. Raises RuntimeError with its own words, not with ours."""
        self.commands += 1
        done = subprocess.run(command, env=self._env, capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command[:3])} … failed: {done.stderr}")
        return done.stdout

    def _deployed(self, name: str, template: str, *more: str) -> Any:
        words = ("-g", GROUP, "-n", name, "-f", template, *more)
        return self.az("deployment", "group", "create", *words)

    def _values(self, app: Scenario) -> list[str]:
        key = "azureKVIdentity" if app.is_the_node else "azureWorkloadIdentity"
        client = self._known.get(app.client_id_output) or self._known[app.name]
        given = {
            f"{key}.tenantId": self._env["AZURE_TENANT_ID"],
            f"{key}.clientId": client,
            "keyvaultName": self._known[app.vault_output],
            "secretName": "arbitrarySecret",
        }
        special: dict[str, Callable[[], dict[str, str]]] = {
            "app3": lambda: {
                r"nodeSelector.kubernetes\.azure\.com/agentpool": self._known["aksUserNodePoolName"]
            },
            "app5": lambda: {"nameOverride": "workloadidapp5"},
        }
        given |= special.get(app.name, dict)()
        return [word for name, value in given.items() for word in ("--set", f"{name}={value}")]

    def _ready(self, app: Scenario) -> None:
        wait = ("wait", "--for=condition=Available", f"deploy/{app.full_name}", "-n", app.namespace)
        self.say("kubectl", *wait, "--timeout=120s")
