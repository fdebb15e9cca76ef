"""Random objects and patches, the same for the same seed: what charts and people write."""

from __future__ import annotations

import copy
import random
from typing import Any

from akswi_helpers.sandbox.cluster.tables.kinds import Kind, builtin

Obj = dict[str, Any]

POD = builtin().named("v1", "Pod")
CONFIG = builtin().named("v1", "ConfigMap")
SECRET = builtin().named("v1", "Secret")
SERVICE = builtin().named("v1", "Service")
ACCOUNT = builtin().named("v1", "ServiceAccount")
DEPLOYMENT = builtin().named("apps/v1", "Deployment")
REPLICA_SET = builtin().named("apps/v1", "ReplicaSet")
DAEMON_SET = builtin().named("apps/v1", "DaemonSet")
CRON_JOB = builtin().named("batch/v1", "CronJob")
KINDS = (
    POD,
    CONFIG,
    SECRET,
    SERVICE,
    ACCOUNT,
    DEPLOYMENT,
    REPLICA_SET,
    DAEMON_SET,
    CRON_JOB,
)
MERGED = (DEPLOYMENT, SERVICE, ACCOUNT, CONFIG)


class Generator:
    """One seed's choices."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def chance(self, share: float) -> bool:
        """True in `share` of all cases."""
        return self.random.random() < share

    def one(self, values: Any) -> Any:
        """One of the values."""
        return self.random.choice(values)

    def some(self, values: Any, least: int = 0) -> list[Any]:
        """At least `least` of the values, in any order."""
        return self.random.sample(list(values), self.random.randint(least, len(values)))

    def part(self, found: Obj, share: float = 0.5) -> Obj:
        """The object with each field kept in `share` of all cases."""
        return {name: value for name, value in found.items() if self.chance(share)}

    def obj(self, kind: Kind, name: str) -> Obj:
        """An object that the API accepts."""
        metadata: Obj = {"name": name}
        if self.chance(0.6):
            metadata["labels"] = self.part({"l1": self.one("12"), "l2": "x", "l3": ""})
        if self.chance(0.3):
            metadata["annotations"] = self.part({"n1": self.one("12"), "n2": "y"})
        if self.chance(0.2):
            metadata["finalizers"] = self.some(["x.io/a", "x.io/b"])
        head = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}
        return {**head, **self._body(kind)}

    def _body(self, kind: Kind) -> Obj:
        if kind is CONFIG:
            return self.part({"data": self.part({"a": self.one("12"), "b": "", "c": "z"})}, 0.8)
        if kind is SECRET:
            texts = {"stringData": self.part({"a": "1"}), "data": self.part({"b": "eA=="})}
            return self.part({**texts, "type": self.one(["Opaque", "x.io/y"])}, 0.7)
        if kind is ACCOUNT:
            return self._account()
        if kind is SERVICE:
            return {"spec": self._service()}
        if kind is POD:
            return {"spec": self._pod()}
        if kind is CRON_JOB:
            template = self._template()
            template["spec"]["restartPolicy"] = self.one(["Never", "OnFailure"])
            job = self.part({"parallelism": 2, "backoffLimit": 0, "suspend": False}, 0.3)
            whole = {
                "schedule": "* * * * *",
                "jobTemplate": {"spec": {**job, "template": template}},
            }
            return {"spec": {**whole, **self.part({"suspend": True, "failedJobsHistoryLimit": 0})}}
        return {"spec": self._workload(kind)}

    def _account(self) -> Obj:
        found: Obj = {}
        if self.chance(0.5):
            found["secrets"] = [{"name": name} for name in self.some("abc")]
        if self.chance(0.3):
            found["imagePullSecrets"] = [{"name": name} for name in self.some("abc", 1)]
        return found | self.part({"automountServiceAccountToken": self.one([True, False])}, 0.3)

    def _service(self) -> Obj:
        ports = []
        for number in self.some([80, 81, 82], 1):
            more = {"targetPort": self.one([8080, "h"]), "protocol": self.one(["TCP", "UDP"])}
            ports.append({"port": number, "name": f"p{number}", **self.part(more, 0.4)})
        spec: Obj = {"ports": ports, "selector": self.part({"a": self.one("12"), "b": "2"}, 0.7)}
        if self.chance(0.3):
            spec["type"] = self.one(["ClusterIP", "NodePort", "LoadBalancer"])
        elif self.chance(0.2):
            spec["clusterIP"] = "None"
        return spec | self.part({"sessionAffinity": self.one(["None", "ClientIP"])}, 0.3)

    def _workload(self, kind: Kind) -> Obj:
        template = self._template()
        template["metadata"] = {"labels": {"app": "x", **self.part({"t": self.one("12")})}}
        spec = {"selector": {"matchLabels": {"app": "x"}}, "template": template}
        if kind is not DAEMON_SET:
            spec |= self.part({"replicas": self.one([0, 1, 2])}, 0.3)
        if kind is DEPLOYMENT and self.chance(0.3):
            rolling = self.part({"maxSurge": self.one([1, "50%"]), "maxUnavailable": 1})
            strategies = [{"type": "Recreate"}, {"type": "RollingUpdate", "rollingUpdate": rolling}]
            spec["strategy"] = self.one(strategies)
        return spec | self.part({"minReadySeconds": self.one([0, 5])}, 0.2)

    def _template(self) -> Obj:
        return {"metadata": {}, "spec": self._pod()}

    def _pod(self) -> Obj:
        spec: Obj = {"containers": [self._container(name) for name in self.some("abcd", 1)]}
        if self.chance(0.2):
            spec["initContainers"] = [{"name": "init", "image": "busybox"}]
        spec["volumes"] = [{"name": "v", **self._volume()}]
        if self.chance(0.4):
            spec["volumes"].append({"name": "w", **self._volume()})
        more = {
            "nodeSelector": self.part({"a": self.one("12"), "b": "1"}),
            "tolerations": [{"key": self.one("ab"), "operator": "Exists"}],
            "securityContext": self.part({"runAsUser": 1, "runAsNonRoot": False}),
            "hostNetwork": False,
            "imagePullSecrets": [{"name": "p"}],
            "terminationGracePeriodSeconds": self.one([0, 5]),
            "dnsPolicy": self.one(["Default", "ClusterFirst"]),
        }
        return spec | self.part(more, 0.2)

    def _container(self, name: str) -> Obj:
        images = ["x:1", "x:2", "y", "r.io/a/b", "r.io:5000/a:latest", f"x@sha256:{'a' * 64}"]
        env = [{"name": key, "value": self.one(["1", ""])} for key in self.some("XYZ", 1)]
        env.append({"name": "F", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}})
        numbers = self.some([80, 81, 82], 1)
        ports = [{"containerPort": n, **self.part({"protocol": "UDP"}, 0.3)} for n in numbers]
        amounts = {"cpu": self.one(["100m", "0.1", "1"]), "memory": self.one(["64Mi", "1024Mi"])}
        probe = {"httpGet": {"port": self.one([80, "http"]), **self.part({"path": "/x"})}}
        more = {
            "env": env,
            "ports": ports,
            "resources": {"limits": self.part(amounts), "requests": self.part({"cpu": "10m"})},
            "args": self.some("pqr", 1),
            "volumeMounts": [{"name": "v", "mountPath": path} for path in self.some(["/m", "/n"])],
            "livenessProbe": {**probe, **self.part({"periodSeconds": 3, "timeoutSeconds": 0})},
            "readinessProbe": {"tcpSocket": {"port": 80}},
            "imagePullPolicy": self.one(["Always", "Never"]),
            "securityContext": {"allowPrivilegeEscalation": False},
            "tty": self.one([True, False]),
        }
        return {"name": name, "image": self.one(images), **self.part(more, 0.25)}

    def _volume(self) -> Obj:
        token = {"serviceAccountToken": {"path": "t", **self.part({"audience": "x"})}}
        label = {"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}
        found: Obj = self.one(
            [
                {"emptyDir": self.part({"medium": "Memory"}, 0.3)},
                {"configMap": {"name": "c", **self.part({"optional": True})}},
                {"secret": {"secretName": "s", **self.part({"defaultMode": 0o600})}},
                {"projected": {"sources": [token, {"downwardAPI": {"items": [label]}}]}},
                {"csi": {"driver": "d.io", "readOnly": self.one([True, False])}},
                {"hostPath": {"path": "/tmp"}},
                {},
            ]
        )
        return found

    def patch(self, kind: Kind, live: Obj, other: Obj) -> Obj:
        """A strategic merge patch from `live` towards `other`, with directives."""
        patch: Obj = {}
        if self.chance(0.5):
            patch["metadata"] = self._metadata_patch(live)
        if kind is ACCOUNT:
            return patch | self._list_patch(live, other, "secrets", "name") | self.part(other, 0.2)
        if kind is CONFIG:
            return patch | {"data": {**other.get("data", {}), self.one("abc"): None}}
        if kind is SERVICE:
            return patch | {"spec": self._list_patch(live["spec"], other["spec"], "ports", "port")}
        spec = self._list_patch(_pod_of(live), _pod_of(other), "containers", "name")
        spec |= self._list_patch(_pod_of(live), _pod_of(other), "volumes", "name", retain=True)
        whole: Obj = {"template": {"spec": spec}}
        if self.chance(0.2):
            whole["strategy"] = {"$retainKeys": ["type"], "type": "Recreate"}
        return patch | {"spec": whole | self.part({"replicas": None, "paused": True}, 0.2)}

    def _metadata_patch(self, live: Obj) -> Obj:
        found: Obj = {"labels": {"l1": self.one(["9", None]), "new": "1"}}
        if self.chance(0.3):
            found["annotations"] = {"$patch": self.one(["replace", "delete"]), "n9": "1"}
        if live["metadata"].get("finalizers") and self.chance(0.5):
            found["$deleteFromPrimitiveList/finalizers"] = ["x.io/a"]
        elif self.chance(0.3):
            found["finalizers"] = self.some(["x.io/a", "x.io/c"], 1)
        return found

    def _list_patch(
        self, live: Obj, other: Obj, name: str, key: str, *, retain: bool = False
    ) -> Obj:
        """Some items of `other`, some deletions, sometimes an order of all that stay."""
        before, after = live.get(name) or [], other.get(name) or []
        gone = [one for one in self.some(before) if self.chance(0.3)]
        dropped = [one[key] for one in gone]
        given = [copy.deepcopy(one) for one in self.some(after) if one[key] not in dropped]
        kept = [one[key] for one in before if one[key] not in dropped]
        names = list(dict.fromkeys([*[one[key] for one in given], *kept]))
        if retain:
            for one in given:
                one["$retainKeys"] = list(one)
        items = [*given, *({"$patch": "delete", key: value} for value in dropped)]
        if key == "name" and self.chance(0.1) and given:
            return {name: [{"$patch": "replace"}, *given]}
        if not items:
            return {}
        order = [{key: value} for value in names] if self.chance(0.6) else None
        return {name: items} | ({f"$setElementOrder/{name}": order} if order else {})


def _pod_of(obj: Obj) -> Obj:
    found: Obj = obj["spec"]["template"]["spec"]
    return found
