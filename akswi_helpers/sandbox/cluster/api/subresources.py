"""Parts of objects with paths of their own: scale, log, token, eviction, finalize, status.

Of those that need a stream to a container, attach and port-forward answer 501, as proxies do.

Source: refusals of a kube-apiserver 1.37.2 and of its kubelets.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from akswi_helpers.sandbox.cluster.api import answers, bodies, exec, verbs
from akswi_helpers.sandbox.cluster.api.calls import Call
from akswi_helpers.sandbox.cluster.merging import merge
from akswi_helpers.sandbox.cluster.refusals import (
    StatusError,
    bad_request,
    conflict,
    invalid,
    method_not_allowed,
    not_found,
    not_implemented,
    unknown_resource,
)
from akswi_helpers.sandbox.cluster.storage.lifecycle import timestamp
from akswi_helpers.sandbox.wire import Reply
from akswi_helpers.types import Json, Seconds

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.tables.kinds import Kind

_SHORTEST_S, _MOST_S = 600, 2**32  # what a TokenRequest may ask for
_UNPULLED = {
    "ErrImagePull": "image can't be pulled",
    "ImagePullBackOff": "trying and failing to pull image",
}
_STREAMS = ("exec", "attach", "portforward")
ANSWERED = frozenset({"status", "finalize", "scale", "log", "exec", "token", "eviction"})


async def answer(call: Call) -> Reply:
    """The reply to a request for a part of an object. Raises StatusError 404, 405 or 501."""
    kind, name = call.needs_kind(), call.target.subresource
    part = kind.part(name)
    if part is None:
        raise unknown_resource()
    if call.verb not in part.verbs and not (name in _STREAMS and call.verb == "get"):
        raise method_not_allowed()
    if name in ("status", "finalize"):
        return {"get": verbs.get, "update": verbs.update, "patch": verbs.patch}[call.verb](call)
    if name == "scale":
        return scale(call)
    live = _live(call, kind)
    if name not in ANSWERED:
        raise not_implemented(f"{kind.plural}/{name}")
    if name == "log":
        return await log(call, live)
    if name == "exec":
        return exec.admit(call, live)
    if name == "token":
        return await token(call)
    return evict(call)


def scale(call: Call) -> Reply:
    """The Scale of a deployment, replica set or stateful set: read, replaced or patched."""
    kind = call.needs_kind()
    live = _live(call, kind)
    if call.verb == "get":
        return Reply(_scale(live))
    kind_of_scale = call.cluster.kind("autoscaling/v1", "HorizontalPodAutoscaler")
    wanted = _wanted_scale(call, live, kind_of_scale)
    replicas = (wanted.get("spec") or {}).get("replicas") or 0
    if replicas < 0:
        why = f"Invalid value: {replicas}: must be greater than or equal to 0"
        cause = ("spec.replicas", "FieldValueInvalid", why)
        raise invalid("Scale", call.target.name, "autoscaling", [cause])
    version = (wanted.get("metadata") or {}).get("resourceVersion", "")
    metadata = {**live["metadata"], "resourceVersion": version}
    changed = call.cluster.objects.update(
        kind,
        call.namespace,
        {**live, "metadata": metadata, "spec": {**live["spec"], "replicas": replicas}},
        manager=call.manager,
        user=call.user,
        subresource="scale",
        dry_run=call.dry_run,
    )
    return Reply(_scale(changed))


def _wanted_scale(call: Call, live: Json, kind: Kind) -> Json:
    if call.verb == "update":
        found = bodies.read_json(call) if bodies.media_type(call) == bodies.JSON else None
        return found if isinstance(found, dict) else bodies.read_any(call)
    patch: Any = bodies.read_json(call)
    try:
        if isinstance(patch, list):
            return merge.json_patch(_scale(live), patch)
        return merge.json_merge(_scale(live), patch)
    except merge.PatchRefused as error:
        raise StatusError(error.status, error.reason, str(error), error.details) from error


def _scale(live: Json) -> Json:
    names = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    status: Json = {"replicas": (live.get("status") or {}).get("replicas", 0)}
    if selector := _selector(live["spec"].get("selector")):
        status["selector"] = selector
    replicas = live["spec"].get("replicas", 0)
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {n: live["metadata"][n] for n in names if n in live["metadata"]},
        "spec": {"replicas": replicas} if replicas else {},
        "status": status,
    }


def _selector(selector: Json | None) -> str:
    exact = (selector or {}).get("matchLabels") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(exact.items()))


async def log(call: Call, pod: Json) -> Reply:
    """A container's log as text, followed as long as the client wants. Raises StatusError 400."""
    from akswi_helpers.sandbox.cluster.node import kubelet

    container = container_of(call, pod)
    headers = {"content-type": "text/plain"}
    if not pod["spec"].get("nodeName"):
        return Reply(None, 204, headers)
    if call.query.get("limitBytes"):
        raise not_implemented("the option limitBytes of pods/log")
    _has_started(call, pod, container)
    stream = kubelet.logs(
        call.cluster,
        call.namespace,
        call.target.name,
        container,
        follow=call.true("follow"),
        tail=call.integer("tailLines"),
        stamps=call.true("timestamps"),
        previous=call.true("previous"),
        since=_since(call),
    )
    return Reply(None, 200, headers, stream)


def _since(call: Call) -> Seconds | None:
    seconds, moment = call.integer("sinceSeconds"), call.query.get("sinceTime")
    if seconds is not None:
        return call.cluster.world.clock.now() - seconds
    try:
        return datetime.fromisoformat(moment).timestamp() if moment else None
    except ValueError as error:
        raise bad_request(f"sinceTime: {error}") from error


def container_of(call: Call, pod: Json) -> str:
    """The container that a call means. Raises StatusError 400 when it must say which."""
    spec, name = pod["spec"], pod["metadata"]["name"]
    initial = [c["name"] for c in spec.get("initContainers") or []]
    ordinary = [c["name"] for c in spec["containers"]]
    asked = call.query.get("container", "")
    if asked and asked not in initial + ordinary:
        raise bad_request(f"container {asked} is not valid for pod {name}")
    if asked or (len(ordinary) == 1 and not initial):
        return asked or ordinary[0]
    also = f" or one of the init containers: [{' '.join(initial)}]" if initial else ""
    chosen = f"choose one of: [{' '.join(ordinary)}]{also}"
    raise bad_request(f"a container name must be specified for pod {name}, {chosen}")


def _has_started(call: Call, pod: Json, container: str) -> None:
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    rows = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    row: Json = next((row for row in rows if row["name"] == container), {})
    state = row.get("state") or {"waiting": {"reason": "ContainerCreating"}}
    if call.true("previous"):
        if not (row.get("lastState") or {}).get("terminated"):
            why = f'previous terminated container "{container}" in pod "{name}" not found'
            raise bad_request(why)
        return
    ran = (row.get("lastState") or {}).get("terminated")
    if "waiting" in state and not ran:
        reason = state["waiting"].get("reason") or "ContainerCreating"
        reason = _UNPULLED.get(reason, reason)
        raise bad_request(f'container "{container}" in pod "{name}" is waiting to start: {reason}')


async def token(call: Call) -> Reply:
    """A TokenRequest answered: a token of the service account. Raises StatusError 400, 404, 422."""
    from akswi_helpers.sandbox.cluster import service_tokens

    asked = bodies.read_object(call, _request_kind(call))
    spec = dict(asked.get("spec") or {})
    audiences = spec.get("audiences") or [call.cluster.spec.issuer]
    seconds = _lifetime(spec)
    pod = _bound(call, spec.get("boundObjectRef"))
    made, expiry = await service_tokens.issue(
        call.cluster, call.namespace, call.target.name, audiences, seconds, pod=pod
    )
    if seconds > service_tokens.LONGEST:
        shortened = f"shortened to {service_tokens.LONGEST} seconds"
        call.answered.warnings.append(f"requested expiration of {seconds} seconds {shortened}")
    now = timestamp(call.cluster.world.clock.now())
    metadata = {"name": call.target.name, "namespace": call.namespace, "creationTimestamp": now}
    shown = min(seconds, service_tokens.LONGEST)
    spec |= {"audiences": audiences, "expirationSeconds": shown}
    spec.setdefault("boundObjectRef", None)
    status = {"token": made, "expirationTimestamp": timestamp(expiry)}
    head = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1"}
    return Reply({**head, "metadata": metadata, "spec": spec, "status": status}, 201)


def _request_kind(call: Call) -> Kind:
    """What the body of serviceaccounts/token is read as."""
    return replace(
        call.needs_kind(),
        group="authentication.k8s.io",
        version="v1",
        kind="TokenRequest",
        type_name="io.k8s.api.authentication.v1.TokenRequest",
    )


def _lifetime(spec: Json) -> int:
    from akswi_helpers.sandbox.cluster import service_tokens

    seconds, why = int(spec.get("expirationSeconds") or service_tokens.DEFAULT), ""
    if seconds < _SHORTEST_S:
        why = "may not specify a duration less than 10 minutes"
    elif seconds > _MOST_S:
        why = "may not specify a duration larger than 2^32 seconds"
    if why:
        cause = ("spec.expirationSeconds", "FieldValueInvalid", f"Invalid value: {seconds}: {why}")
        raise invalid("TokenRequest", "", "authentication.k8s.io", [cause])
    return seconds


def _bound(call: Call, reference: Json | None) -> Json | None:
    if not reference:
        return None
    if reference.get("kind") != "Pod":
        raise not_implemented(f"a token bound to a {reference.get('kind')}")
    pods, name = call.cluster.kind("v1", "Pod"), reference.get("name", "")
    pod = call.cluster.objects.get(pods, call.namespace, name)
    if pod["spec"].get("serviceAccountName") != call.target.name:
        raise bad_request(
            f'cannot bind token for serviceaccount "{call.target.name}" to pod running with '
            "different serviceaccount name."
        )
    uid, found = reference.get("uid", ""), pod["metadata"]["uid"]
    if uid and uid != found:
        why = f"the UID in the bound object reference ({uid}) does not match the UID in record. "
        raise conflict(pods, name, why + "The object might have been deleted and then recreated")
    return pod


def evict(call: Call) -> Reply:
    """A pod evicted: deleted, with its grace. There are no disruption budgets to ask."""
    asked = bodies.read_any(call)
    options = asked.get("deleteOptions") or {}
    call.cluster.objects.delete(
        call.needs_kind(),
        call.namespace,
        call.target.name,
        grace=options.get("gracePeriodSeconds"),
        user=call.user,
        dry_run=call.dry_run,
    )
    head = {"kind": "Status", "apiVersion": "v1", "metadata": {}}
    return Reply({**head, "status": "Success", "code": 201}, 201)


def _live(call: Call, kind: Kind) -> Json:
    answers.form_of(call)
    live = call.cluster.store.get(kind, call.namespace, call.target.name)
    if live is None:
        raise not_found(kind, call.target.name)
    return live
