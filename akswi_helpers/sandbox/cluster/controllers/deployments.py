"""The Deployment controller: replica sets for each template, a rollout from the old to the new.

Source: kubernetes pkg/controller/deployment. Left out: adoption of replica sets that nobody owns.
The arithmetic is in `rollout`.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.controllers import owned, reporting, rollout
from akswi_helpers.sandbox.cluster.controllers.deployment_status import of as status_of
from akswi_helpers.sandbox.cluster.storage.store import copied
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

COMPONENT = "deployment-controller"
_MANAGER = "kube-controller-manager"
_OWN = ("kubectl.kubernetes.io/last-applied-configuration", rollout.REVISION, rollout.DESIRED)
_OWN_ALSO = (rollout.MOST, rollout.HISTORY)


def reconcile(cluster: Cluster, key: str) -> float | None:
    """Take a deployment one step further; seconds until its progress deadline."""
    namespace, _, name = key.partition("/")
    deployment = cluster.objects.find(cluster.kind("apps/v1", "Deployment"), namespace, name)
    if deployment is None:
        return None
    if "deletionTimestamp" not in deployment["metadata"]:
        with cluster.world.transaction():
            _step(cluster, deployment)
    return _write_status(cluster, namespace, name)


def _step(cluster: Cluster, deployment: Json) -> None:
    new, old = _sets(cluster, deployment)
    if deployment["spec"].get("paused"):
        every = sorted([*old, new] if new else old, key=rollout.revision)
        _apply(cluster, deployment, every, rollout.scaled_while_paused(deployment, every))
        return
    if new is None and rollout.waits_for_old(deployment, old):
        _apply(cluster, deployment, old, rollout.scaled(deployment, None, old))
        return
    if new is None:
        new = _create(cluster, deployment, old)
    else:
        new = _renewed(cluster, deployment, new, old)
    _note_revision(cluster, deployment, rollout.revision(new))
    _apply(cluster, deployment, [new, *old], rollout.scaled(deployment, new, old))
    _forget(cluster, deployment, old)


def _apply(cluster: Cluster, deployment: Json, every: list[Json], sizes: dict[str, int]) -> None:
    for replica_set in every:
        if _name(replica_set) in sizes:
            _resize(cluster, deployment, replica_set, sizes[_name(replica_set)])


def _sets(cluster: Cluster, deployment: Json) -> tuple[Json | None, list[Json]]:
    """The replica set of the template as it is, and all others; copies."""
    found = owned.by(cluster, cluster.kind("apps/v1", "ReplicaSet"), deployment)
    found = sorted(
        (copied(rs) for rs in found if "deletionTimestamp" not in rs["metadata"]),
        key=lambda rs: (rs["metadata"]["creationTimestamp"], _name(rs)),
    )
    template = deployment["spec"]["template"]
    same = [rs for rs in found if rollout.same_template(rs["spec"]["template"], template)]
    new = same[0] if same else None
    return new, [rs for rs in found if rs is not new]


def _create(cluster: Cluster, deployment: Json, old: list[Json]) -> Json:
    kind, metadata = cluster.kind("apps/v1", "ReplicaSet"), deployment["metadata"]
    namespace, collisions = metadata["namespace"], 0
    while True:
        made = _draft(deployment, old, collisions)
        if cluster.store.get(kind, namespace, _name(made)) is None:
            break
        collisions += 1
    made = cluster.objects.create(kind, namespace, made, manager=_MANAGER)
    said = f"Scaled up replica set {_name(made)} from 0 to {rollout.wanted(made)}"
    if rollout.wanted(made):
        _report(cluster, deployment, said)
    return made


def _draft(deployment: Json, old: list[Json], collisions: int) -> Json:
    spec, metadata = deployment["spec"], deployment["metadata"]
    mark = {rollout.HASH_LABEL: rollout.template_hash(spec["template"], collisions)}
    template = copied(spec["template"])
    template["metadata"] = {**(template.get("metadata") or {})}
    template["metadata"]["labels"] = {**(template["metadata"].get("labels") or {}), **mark}
    selector = copied(spec["selector"])
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), **mark}
    replica_set: Json = {
        "metadata": {
            "name": f"{metadata['name']}-{mark[rollout.HASH_LABEL]}",
            "labels": dict(template["metadata"]["labels"]),
            "annotations": _annotations(deployment, _next_revision(old)),
            "ownerReferences": [owned.reference(deployment)],
        },
        "spec": {
            "replicas": rollout.first_size(deployment, old),
            "selector": selector,
            "template": template,
        },
    }
    if spec.get("minReadySeconds"):
        replica_set["spec"]["minReadySeconds"] = spec["minReadySeconds"]
    return replica_set


def _next_revision(others: list[Json]) -> int:
    return max((rollout.revision(rs) for rs in others), default=0) + 1


def _annotations(deployment: Json, revision: int) -> dict[str, str]:
    own = (*_OWN, *_OWN_ALSO)
    theirs = deployment["metadata"].get("annotations") or {}
    kept = {key: value for key, value in theirs.items() if key not in own}
    return kept | _numbers(deployment) | {rollout.REVISION: str(revision)}


def _numbers(deployment: Json) -> dict[str, str]:
    wanted, surge = rollout.wanted(deployment), rollout.limits(deployment)[0]
    return {rollout.DESIRED: str(wanted), rollout.MOST: str(wanted + surge)}


def _renewed(cluster: Cluster, deployment: Json, new: Json, old: list[Json]) -> Json:
    """The template's replica set with the newest revision: an old template may come back."""
    revision = max(rollout.revision(new), _next_revision(old))
    before = new["metadata"].get("annotations") or {}
    wanted = {**before, **_annotations(deployment, revision)}
    if revision > rollout.revision(new) > 0:
        past = [before[rollout.HISTORY]] if rollout.HISTORY in before else []
        wanted[rollout.HISTORY] = ",".join([*past, str(rollout.revision(new))])
    if wanted == new["metadata"].get("annotations"):
        return new
    new["metadata"]["annotations"] = wanted
    return _update(cluster, new)


def _note_revision(cluster: Cluster, deployment: Json, revision: int) -> None:
    if rollout.revision(deployment) == revision:
        return
    annotations = {**(deployment["metadata"].get("annotations") or {})}
    annotations[rollout.REVISION] = str(revision)
    deployment["metadata"]["annotations"] = annotations
    # Through the status, as the real controller: the generation is the user's to raise.
    changed = cluster.objects.update(
        cluster.kind("apps/v1", "Deployment"),
        deployment["metadata"]["namespace"],
        deployment,
        manager=_MANAGER,
        subresource="status",
    )
    deployment["metadata"]["resourceVersion"] = changed["metadata"]["resourceVersion"]


def _resize(cluster: Cluster, deployment: Json, replica_set: Json, replicas: int) -> None:
    before = rollout.wanted(replica_set)
    replica_set["spec"]["replicas"] = replicas
    replica_set["metadata"]["annotations"] |= _numbers(deployment)
    _update(cluster, replica_set)
    way = "up" if replicas > before else "down"
    said = f"Scaled {way} replica set {_name(replica_set)} from {before} to {replicas}"
    _report(cluster, deployment, said)


def _forget(cluster: Cluster, deployment: Json, old: list[Json]) -> None:
    """Delete the oldest replica sets beyond revisionHistoryLimit."""
    kept = int(deployment["spec"].get("revisionHistoryLimit", 10))
    idle = [rs for rs in old if not rollout.wanted(rs) and not rollout.count(rs, "replicas")]
    for replica_set in sorted(idle, key=rollout.revision)[: max(len(old) - kept, 0)]:
        metadata = replica_set["metadata"]
        kind = cluster.kind("apps/v1", "ReplicaSet")
        cluster.objects.delete(kind, metadata["namespace"], metadata["name"])


def _write_status(cluster: Cluster, namespace: str, name: str) -> float | None:
    kind = cluster.kind("apps/v1", "Deployment")
    deployment = cluster.objects.find(kind, namespace, name)
    if deployment is None:
        return None
    new, old = _sets(cluster, deployment)
    now = cluster.world.clock.now()
    status = status_of(deployment, new, old, now=now)
    if status != deployment.get("status"):
        deployment["status"] = status
        cluster.objects.update(kind, namespace, deployment, manager=_MANAGER, subresource="status")
    return _until_deadline(deployment, status, now)


def _until_deadline(deployment: Json, status: Json, now: float) -> float | None:
    progress = next((c for c in status["conditions"] if c["type"] == "Progressing"), None)
    if progress is None or progress["reason"] in ("NewReplicaSetAvailable", "DeploymentPaused"):
        return None
    if progress["status"] == "False":
        return None
    seconds = float(deployment["spec"].get("progressDeadlineSeconds", 600))
    began = datetime.fromisoformat(progress["lastUpdateTime"]).timestamp()
    return max(began + seconds - now + 1, 1)


def _update(cluster: Cluster, replica_set: Json) -> Json:
    kind = cluster.kind("apps/v1", "ReplicaSet")
    namespace = replica_set["metadata"]["namespace"]
    changed = cluster.objects.update(kind, namespace, replica_set, manager=_MANAGER)
    replica_set["metadata"] = changed["metadata"]
    return replica_set


def _name(obj: Json) -> str:
    return str(obj["metadata"]["name"])


def _report(cluster: Cluster, deployment: Json, message: str) -> None:
    reporting.report(cluster, deployment, "ScalingReplicaSet", message, component=COMPONENT)
