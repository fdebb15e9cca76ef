"""What the API server fills in that the schema does not say, type by type.

`FIXED` holds defaults that never depend on anything else; `FILL` functions for those that do. The
schema itself holds the rest (protocol TCP) and `canonical.py` what a type cannot leave out.

Source: objects stored by a kube-apiserver 1.37.2 and the defaulting functions of its published
source. Left out: quota and limit ranges, volumes that no AKS chart uses.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from akswi_helpers.types import Json

_CORE, _APPS, _BATCH = "io.k8s.api.core.v1.", "io.k8s.api.apps.v1.", "io.k8s.api.batch.v1."
_ADMISSION, _STORAGE = "io.k8s.api.admissionregistration.v1.", "io.k8s.api.storage.v1."
_RBAC, _NETWORK = "io.k8s.api.rbac.v1.", "io.k8s.api.networking.v1."
_EXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."

_MODE = 0o644
_GROUP = "rbac.authorization.k8s.io"
_CONTAINER: Json = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
_WEBHOOK: Json = {
    "failurePolicy": "Fail",
    "matchPolicy": "Equivalent",
    "namespaceSelector": {},
    "objectSelector": {},
    "timeoutSeconds": 10,
}

FIXED: dict[str, Json] = {
    _CORE + "PodSpec": {
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
        "schedulerName": "default-scheduler",
    },
    _CORE + "Container": _CONTAINER,
    _CORE + "EphemeralContainer": _CONTAINER,
    _CORE + "Probe": {
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    },
    _CORE + "HTTPGetAction": {"path": "/", "scheme": "HTTP"},
    _CORE + "GRPCAction": {"service": ""},
    _CORE + "ObjectFieldSelector": {"apiVersion": "v1"},
    _CORE + "SecretVolumeSource": {"defaultMode": _MODE},
    _CORE + "ConfigMapVolumeSource": {"defaultMode": _MODE},
    _CORE + "DownwardAPIVolumeSource": {"defaultMode": _MODE},
    _CORE + "ProjectedVolumeSource": {"defaultMode": _MODE},
    _CORE + "ServiceAccountTokenProjection": {"expirationSeconds": 3600},
    _CORE + "HostPathVolumeSource": {"type": ""},
    _CORE + "Secret": {"type": "Opaque"},
    _CORE + "NamespaceStatus": {"phase": "Active"},
    _CORE + "PersistentVolumeSpec": {
        "persistentVolumeReclaimPolicy": "Retain",
        "volumeMode": "Filesystem",
    },
    _CORE + "PersistentVolumeClaimSpec": {"volumeMode": "Filesystem"},
    _CORE + "PersistentVolumeClaimStatus": {"phase": "Pending"},
    _CORE + "PersistentVolumeStatus": {"phase": "Pending"},
    _CORE + "EndpointPort": {"protocol": "TCP"},
    _APPS + "DeploymentSpec": {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
    },
    _APPS + "ReplicaSetSpec": {"replicas": 1},
    _APPS + "DaemonSetSpec": {"revisionHistoryLimit": 10},
    _APPS + "StatefulSetSpec": {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "podManagementPolicy": "OrderedReady",
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
    },
    _BATCH + "CronJobSpec": {
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
    },
    _ADMISSION + "MutatingWebhook": {**_WEBHOOK, "reinvocationPolicy": "Never"},
    _ADMISSION + "ValidatingWebhook": _WEBHOOK,
    _ADMISSION + "RuleWithOperations": {"scope": "*"},
    _ADMISSION + "ServiceReference": {"port": 443},
    _EXTENSIONS + "ServiceReference": {"port": 443},
    _EXTENSIONS + "CustomResourceDefinitionSpec": {"conversion": {"strategy": "None"}},
    _STORAGE + "CSIDriverSpec": {
        "attachRequired": True,
        "podInfoOnMount": False,
        "storageCapacity": False,
        "fsGroupPolicy": "ReadWriteOnceWithFSType",
        "volumeLifecycleModes": ["Persistent"],
        "requiresRepublish": False,
        "seLinuxMount": False,
        "preventPodSchedulingIfMissing": False,
    },
    _STORAGE + "StorageClass": {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
    _NETWORK + "NetworkPolicyPort": {"protocol": "TCP"},
}


def _image_policy(container: Json) -> None:
    if container.get("imagePullPolicy"):
        return
    name = str(container.get("image") or "")
    tail = name.rpartition("/")[2]
    latest = "@" not in tail and tail.partition(":")[2] in ("", "latest")
    # An image that is missing or no image name at all counts as tagged.
    latest = latest and bool(name) and name == name.lower()
    container["imagePullPolicy"] = "Always" if latest else "IfNotPresent"


def _pod(pod: Json) -> None:
    spec = pod.setdefault("spec", {})
    if (spec.get("terminationGracePeriodSeconds") or 0) < 0:
        spec["terminationGracePeriodSeconds"] = 1
    if spec.get("enableServiceLinks") is None:
        spec["enableServiceLinks"] = True
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        resources = container.get("resources") or {}
        if resources.get("limits"):
            resources["requests"] = {**resources["limits"], **(resources.get("requests") or {})}
    _host_ports(spec)


def _host_ports(spec: Json) -> None:
    if not spec.get("hostNetwork"):
        return
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        for port in container.get("ports") or ():
            port["hostPort"] = port.get("hostPort") or port.get("containerPort", 0)


def _pod_spec(spec: Json) -> None:
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if name:
        spec["serviceAccountName"] = spec["serviceAccount"] = name


def _pod_status(status: Json) -> None:
    one, several = status.get("podIP"), status.get("podIPs")
    if one and (not several or several[0].get("ip") != one):
        status["podIPs"] = [{"ip": one}]
    elif several and not one:
        status["podIP"] = several[0].get("ip", "")


def _volume(volume: Json) -> None:
    if not any(value is not None for name, value in volume.items() if name != "name"):
        volume["emptyDir"] = {}


def _secret(secret: Json) -> None:
    texts = secret.pop("stringData", None)
    if texts:
        encoded = {k: base64.b64encode((v or "").encode()).decode() for k, v in texts.items()}
        secret["data"] = {**(secret.get("data") or {}), **encoded}


def _namespace(namespace: Json) -> None:
    metadata = namespace.setdefault("metadata", {})
    if metadata.get("name"):
        named = {"kubernetes.io/metadata.name": metadata["name"]}
        metadata["labels"] = {**(metadata.get("labels") or {}), **named}


def _rolling(strategy: Json, **limits: Any) -> None:
    if not strategy.get("type"):
        strategy["type"] = "RollingUpdate"
    if strategy["type"] == "RollingUpdate":
        given = {k: v for k, v in (strategy.get("rollingUpdate") or {}).items() if v is not None}
        strategy["rollingUpdate"] = {**limits, **given}


def _deployment(spec: Json) -> None:
    strategy = spec["strategy"] = spec.get("strategy") or {}
    _rolling(strategy, maxUnavailable="25%", maxSurge="25%")


def _daemon_set(spec: Json) -> None:
    strategy = spec["updateStrategy"] = spec.get("updateStrategy") or {}
    _rolling(strategy, maxUnavailable=1, maxSurge=0)


def _stateful_set(spec: Json) -> None:
    strategy = spec["updateStrategy"] = spec.get("updateStrategy") or {}
    if not strategy.get("type") or strategy.get("rollingUpdate") is not None:
        _rolling(strategy, partition=0, maxUnavailable=1)
    kept = spec.get("persistentVolumeClaimRetentionPolicy")
    if kept:
        spec["persistentVolumeClaimRetentionPolicy"] = {
            "whenDeleted": kept.get("whenDeleted") or "Retain",
            "whenScaled": kept.get("whenScaled") or "Retain",
        }


def _job(job: Json) -> None:
    spec = job.setdefault("spec", {})
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    per_index = spec.get("backoffLimitPerIndex") is not None
    replaced = "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed"
    fixed = {
        "parallelism": 1,
        "backoffLimit": 2**31 - 1 if per_index else 6,
        "completionMode": "NonIndexed",
        "suspend": False,
        "podReplacementPolicy": replaced,
        "manualSelector": False,
    }
    for name, value in fixed.items():
        if spec.get(name) is None:
            spec[name] = value
    _labels_of_template(job)


def _labels_of_template(obj: Json) -> None:
    template = (obj.get("spec") or {}).get("template") or {}
    labels = (template.get("metadata") or {}).get("labels")
    metadata = obj.setdefault("metadata", {})
    if labels and not metadata.get("labels"):
        metadata["labels"] = dict(labels)


def _service(service: Json) -> None:
    spec = service.setdefault("spec", {})
    spec["type"] = spec.get("type") or "ClusterIP"
    spec["sessionAffinity"] = spec.get("sessionAffinity") or "None"
    _affinity(spec)
    for port in spec.get("ports") or ():
        if port.get("targetPort") in (None, 0, ""):
            port["targetPort"] = port.get("port", 0)
    if spec["type"] != "ExternalName":
        _traffic(spec)


def _traffic(spec: Json) -> None:
    outside = spec["type"] in ("NodePort", "LoadBalancer") or spec.get("externalIPs")
    if outside and not spec.get("externalTrafficPolicy"):
        spec["externalTrafficPolicy"] = "Cluster"
    if spec.get("internalTrafficPolicy") is None:
        spec["internalTrafficPolicy"] = "Cluster"
    if spec["type"] == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is None:
        spec["allocateLoadBalancerNodePorts"] = True


def _affinity(spec: Json) -> None:
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        config = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
        if config.get("timeoutSeconds") is None:
            spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": 10800}}


def _role_binding(binding: Json) -> None:
    role = binding.setdefault("roleRef", {})
    role["apiGroup"] = role.get("apiGroup") or _GROUP


def _subject(subject: Json) -> None:
    if not subject.get("apiGroup") and subject.get("kind") in ("User", "Group"):
        subject["apiGroup"] = _GROUP


def _network_policy(spec: Json) -> None:
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress"] + ["Egress"] * bool(spec.get("egress"))


def _definition(definition: Json) -> None:
    spec = definition.setdefault("spec", {})
    names = spec.setdefault("names", {})
    kind = names.get("kind") or ""
    names["singular"] = names.get("singular") or kind.lower()
    names["listKind"] = names.get("listKind") or (kind and f"{kind}List")
    status = definition["status"] = definition.get("status") or {}
    if not status.get("storedVersions"):
        found = [v["name"] for v in spec.get("versions") or () if v.get("storage")][:1]
        status["storedVersions"] = found or None


FILL: dict[str, tuple[Callable[[Json], None], ...]] = {
    _CORE + "Container": (_image_policy,),
    _CORE + "EphemeralContainer": (_image_policy,),
    _CORE + "Pod": (_pod,),
    _CORE + "PodSpec": (_pod_spec,),
    _CORE + "PodStatus": (_pod_status,),
    _CORE + "Volume": (_volume,),
    _CORE + "Secret": (_secret,),
    _CORE + "Namespace": (_namespace,),
    _CORE + "Service": (_service,),
    _APPS + "DeploymentSpec": (_deployment,),
    _APPS + "DaemonSetSpec": (_daemon_set,),
    _APPS + "StatefulSetSpec": (_stateful_set,),
    _BATCH + "Job": (_job,),
    _RBAC + "RoleBinding": (_role_binding,),
    _RBAC + "ClusterRoleBinding": (_role_binding,),
    _RBAC + "Subject": (_subject,),
    _NETWORK + "NetworkPolicySpec": (_network_policy,),
    _EXTENSIONS + "CustomResourceDefinition": (_definition,),
}
