"""The apps: installed by helm, and what their pods say.

    install(lab)        helm brings each chosen app to what its chart and values say
    log(lab, "app1")    what its newest pod has logged

An app whose chart, values, release and live objects agree is left alone. Left out: removing apps
one by one; `clean_up` removes everything.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from akswi_helpers import (
    application,
    cluster,
    explain,
    helm,
    infrastructure,
    progress,
    scenarios,
    vault_access,
    waiting,
)
from akswi_helpers.errors import LabError, NotThereYet
from akswi_helpers.parameters import headless
from akswi_helpers.scenarios import Scenario
from akswi_helpers.types import Json

if TYPE_CHECKING:
    import pandas as pd

    from akswi_helpers.lab import Lab


POOL_LABEL = "kubernetes.azure.com/agentpool"
READY_S = 300  # an image has to come, and the kubelet tries a mount again after 122 seconds
SANDBOX_READY_S = 90
PATIENCE_S = 30  # a pod that has just started has said nothing yet


class Log(str):
    """A pod's log; shown as its text, with the beginning of each fingerprint in it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return re.sub(r"(sha256=[0-9a-f]{8})[0-9a-f]{56}", r"\1…", self.rstrip("\n"))


@explain.told
def install(lab: Lab) -> pd.DataFrame:
    """Bring every chosen app to what its chart and values say; one row each, with what changed.

    Apps 2 and 3 are not waited for: they cannot work at first. Raises NotThereYet without
    infrastructure, or when app 2 or 4 lacks what it needs first; LabError for a namespace that is
    not the lab's, or in helm's own words.
    """
    import pandas as pd

    rows = [_install(lab, scenario) for scenario in lab.scenarios]
    return pd.DataFrame(rows).set_index("app")


def values(lab: Lab, app: str) -> Json:
    """The helm values of one app: names and ids, no secret.

    Raises NotThereYet when app 2 has no application.
    """
    scenario, known = scenarios.named(app), infrastructure.outputs(lab)
    key = "azureKVIdentity" if scenario.is_the_node else "azureWorkloadIdentity"
    return {
        key: {"tenantId": lab.cloud.tenant_id, "clientId": client_id(lab, app)},
        "keyvaultName": known[scenario.vault_output],
        "secretName": "arbitrarySecret",
        **_special(lab, app, known["aksUserNodePoolName"]),
    }


@explain.told
def client_id(lab: Lab, app: str) -> str:
    """The client id that the app signs in with: its identity's, its application's, the add-on's.

    Raises NotThereYet when app 2 has no application.
    """
    if app == "app4":
        return vault_access.addon(lab).client_id
    if app != "app2":
        return infrastructure.outputs(lab)[scenarios.named(app).client_id_output]
    found = application.find(lab)
    if found is None:
        raise NotThereYet("App 2 has no application yet: application.create(lab) registers it.")
    return found.client_id


def _special(lab: Lab, app: str, pool: str) -> Json:
    """What only one app is given."""
    if app == "app1":
        return {"pollSeconds": 1} if lab.cloud.is_sandbox else {}
    if app == "app3":  # its identity is on the nodes of one pool
        return {"nodeSelector": {POOL_LABEL: pool}}
    return {"nameOverride": "workloadidapp5"} if app == "app5" else {}


@explain.told
def wait(lab: Lab, app: str, limit_s: float = READY_S) -> None:
    """Return when the app's newest pod is ready: the kubelet tries a failed mount again by itself.

    Roles and credentials that do not count yet get their time besides `limit_s`. Raises NotThereYet
    for an app that is not installed; LabError, with what the kubelet says, when it is not ready in
    time.
    """
    with progress.step(f"Waiting for {app}"):
        _until_ready(lab, app, lambda: is_ready(lab, app), limit_s)


def _until_ready(lab: Lab, app: str, look: Callable[[], bool], limit_s: float) -> None:
    limit = limit_s + waiting.lag_s(lab)
    try:
        waiting.until(lab, look, f"{app} is not ready", "its pod says why", limit)
    except waiting.TooLate as late:
        raise LabError(f"{late.so_far}. Its pod says: {_last(lab, app)}") from late


def is_ready(lab: Lab, app: str) -> bool:
    """Whether the app's newest pod is ready; not while its next pod is only being made.

    Raises NotThereYet for an app that is not installed.
    """
    found = live_pods(lab, app)
    if not found and _release(lab, scenarios.named(app)) is None:
        raise _absent(app)
    return bool(found) and ready(found[-1])


@explain.told
def installed(lab: Lab, scenario: Scenario) -> bool:
    """Whether helm's last word on this app is that it is deployed."""
    release = _release(lab, scenario)
    return release is not None and release["info"]["status"] == "deployed"


@explain.told
def pods(lab: Lab) -> pd.DataFrame:
    """The pods of the chosen apps: ready or not, and on which node.

    Headless, a pod is called by the name of its Deployment: the rest is random.
    """
    import pandas as pd

    rows = [
        {
            "app": scenario.name,
            "pod": scenario.full_name if headless() else pod["metadata"]["name"],
            "ready": "yes" if ready(pod) else "no",
            "phase": pod["status"].get("phase", ""),
            "node": pod["spec"].get("nodeName", ""),
        }
        for scenario in lab.scenarios
        for pod in live_pods(lab, scenario.name)
    ]
    return pd.DataFrame(rows, columns=["app", "pod", "ready", "phase", "node"])


@explain.told
def log(lab: Lab, app: str, lines: int = 40, patience_s: float = PATIENCE_S) -> Log:
    """The last lines that the app's newest pod has logged; waits for the first one.

    Raises NotThereYet when there is no pod.
    """
    pod, end = newest_pod(lab, app)["metadata"], time.monotonic() + patience_s
    path = f"/api/v1/namespaces/{pod['namespace']}/pods/{pod['name']}/log"
    while True:
        said = cluster.text(lab, path, tailLines=str(lines))
        if said or time.monotonic() > end:
            return Log(said)
        time.sleep(min(0.2, lab.cloud.poll_s))


def manifest(lab: Lab, app: str) -> Log:
    """What helm wrote to the cluster for this app, as YAML."""
    release = _release(lab, scenarios.named(app))
    if release is None:
        raise _absent(app)
    return Log(release["manifest"].strip() + "\n")


def live_pods(lab: Lab, app: str) -> list[Json]:
    """The app's pods that are not going away, oldest first."""
    scenario = scenarios.named(app)
    path = f"/api/v1/namespaces/{scenario.namespace}/pods"
    label = f"app.kubernetes.io/instance={scenario.release}"
    found = (cluster.read(lab, path, labelSelector=label) or {"items": []})["items"]
    alive = [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]
    return sorted(alive, key=lambda pod: (pod["metadata"]["creationTimestamp"], _version(pod)))


def newest_pod(lab: Lab, app: str) -> Json:
    """The app's newest pod. Raises NotThereYet when there is none."""
    found = live_pods(lab, app)
    if not found:
        raise _absent(app)
    return found[-1]


def _install(lab: Lab, scenario: Scenario) -> dict[str, Any]:
    wanted = values(lab, scenario.name)
    release = _release(lab, scenario)
    changed = not _agrees(lab, scenario, release, wanted)
    if changed:
        _refuse_closed_vault(lab, scenario)
        _refuse_foreign(lab, scenario, release)
        lab.ledger.note("helm release", f"{scenario.namespace}/{scenario.release}")
        with progress.step(f"helm installs {scenario.release}"):
            env = cluster.environment(lab)
            if release is not None:
                _make_way(lab, scenario, release, env)
            helm.upgrade(env, scenario.release, scenario.chart, wanted, lab.folder)
    if changed and scenario.works_at_first:
        _until_it_works(lab, scenario)
    return {
        "app": scenario.name,
        "namespace": scenario.namespace,
        "release": scenario.release,
        "chart": scenario.chart.name,
        "changed": "yes" if changed else "no",
    }


def _make_way(lab: Lab, scenario: Scenario, release: Json, env: dict[str, str]) -> None:
    """Free a release that a killed helm left; remove one whose service account was changed.

    The webhook looks at the account when a pod is made, and an upgrade would keep the old pods.
    """
    helm.unlock(env, scenario.release, release["info"]["status"])
    accounts = [one for one in _objects(release) if one["kind"] == "ServiceAccount"]
    if not all(_is_live(lab, one, scenario.namespace) for one in accounts):
        helm.uninstall(env, scenario.release)


def _until_it_works(lab: Lab, scenario: Scenario) -> None:
    """Wait until the app's new pods are ready; for one that logs, until its role counts too.

    Raises LabError, with what the pod says, when they are not ready in time.
    """
    with progress.step(f"Waiting for {scenario.name}"):
        limit = SANDBOX_READY_S if lab.cloud.is_sandbox else READY_S
        _until_ready(lab, scenario.name, lambda: rolled_out(lab, scenario), limit)
        end = time.monotonic() + waiting.lag_s(lab)
        while not scenario.mounts and _too_early(lab, scenario.name) and time.monotonic() < end:
            progress.note(f"{scenario.name} is not let in yet")
            time.sleep(max(0.5, lab.cloud.poll_s))


def rolled_out(lab: Lab, scenario: Scenario) -> bool:
    """Whether all pods of the app's Deployment are of its newest template, and ready."""
    where = f"/apis/apps/v1/namespaces/{scenario.namespace}/deployments/{scenario.full_name}"
    found = cluster.read(lab, where)
    if found is None:
        return False
    status, wanted = found.get("status") or {}, found["spec"].get("replicas", 1)
    if status.get("observedGeneration", 0) < found["metadata"]["generation"]:
        return False
    counts = ("replicas", "updatedReplicas", "availableReplicas")
    return all(status.get(name, 0) == wanted for name in counts)


def _too_early(lab: Lab, app: str) -> bool:
    """Whether the app's log ends with a refusal that passes by itself after a write."""
    refused = explain.of_log(log(lab, app, lines=1).strip())
    return refused is not None and refused.code in waiting.NOT_YET


def _last(lab: Lab, app: str) -> str:
    """The last thing that an app's pod says: in its log, or why it has none."""
    from akswi_helpers import events

    if not live_pods(lab, app):
        return "nothing"
    if not scenarios.named(app).mounts:
        return log(lab, app, lines=1, patience_s=0).strip() or "nothing"
    refused = events.refusal(lab, app, patience_s=0)
    return f"{refused.refusal.what} {refused.refusal.why}" if refused else "nothing"


def _objects(release: Json) -> list[Json]:
    """What a release's manifest holds."""
    import yaml

    return [found for found in yaml.safe_load_all(release["manifest"]) if found]


def _agrees(lab: Lab, scenario: Scenario, release: Json | None, wanted: Json) -> bool:
    """Whether chart, values, release and live objects say the same."""
    if release is None or release["info"]["status"] != "deployed":
        return False
    if release.get("config") != wanted or not helm.same_chart(release["chart"], scenario.chart):
        return False
    return all(_is_live(lab, wish, scenario.namespace) for wish in _objects(release))


def _is_live(lab: Lab, wish: Json, namespace: str) -> bool:
    live = cluster.find(lab, wish, namespace)
    return live is not None and holds(live, wish)


def holds(live: object, wish: object) -> bool:
    """Whether `live` says everything that `wish` says; it may say more, as defaults do."""
    if isinstance(wish, dict) and isinstance(live, dict):
        return all(
            value in (None, {}, []) if key not in live else holds(live[key], value)
            for key, value in wish.items()
        )
    if isinstance(wish, list) and isinstance(live, list):
        same = len(live) >= len(wish)
        return same and all(any(holds(row, one) for row in live) for one in wish)
    return live == wish


def _release(lab: Lab, scenario: Scenario) -> Json | None:
    """The newest release of this app, decoded, or None."""
    path = f"/api/v1/namespaces/{scenario.namespace}/secrets"
    label = f"owner=helm,name={scenario.release}"
    found = (cluster.read(lab, path, labelSelector=label) or {"items": []})["items"]
    kept = [secret for secret in found if secret.get("type") == "helm.sh/release.v1"]
    if not kept:
        return None
    return helm.decode(max(kept, key=lambda one: int(one["metadata"]["labels"]["version"])))


def _refuse_closed_vault(lab: Lab, scenario: Scenario) -> None:
    """Refuse to wait for app 4 while its identity may not read its vault."""
    if scenario.name == "app4" and not vault_access.granted(lab, "app4"):
        raise NotThereYet("App 4 may not read its vault yet: vault_access.grant(lab) lets it.")


def _refuse_foreign(lab: Lab, scenario: Scenario, release: Json | None) -> None:
    """Refuse a release of this name that holds another chart: somebody else put it there."""
    named = f"{scenario.namespace}/{scenario.release}"
    if release is None or named in lab.ledger.ids("helm release"):
        return
    if release["chart"]["metadata"]["name"] != scenario.chart_name.lower():
        raise LabError(
            f"The helm release {named} was made by someone else; pick another resource group."
        )


def ready(pod: Json) -> bool:
    """Whether Kubernetes calls this pod ready."""
    conditions = pod["status"].get("conditions", [])
    return any(row["type"] == "Ready" and row["status"] == "True" for row in conditions)


def _version(pod: Json) -> int:
    return int(pod["metadata"]["resourceVersion"])


def _absent(app: str) -> NotThereYet:
    return NotThereYet(
        f"{app} is not installed: run 03-deploy-the-apps first, or set catch_up = True."
    )
