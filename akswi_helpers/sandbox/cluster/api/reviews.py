"""Questions about tokens and rights: who am I, may I, may they, whose token is this.

They are created, answered and never stored.

Source: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access.
"""

from __future__ import annotations

from collections.abc import Callable

from akswi_helpers.sandbox.cluster.api import authentication, bodies, rbac
from akswi_helpers.sandbox.cluster.api.calls import Call
from akswi_helpers.sandbox.cluster.merging import apply
from akswi_helpers.sandbox.cluster.refusals import invalid
from akswi_helpers.sandbox.cluster.storage.lifecycle import timestamp
from akswi_helpers.sandbox.cluster.users import User
from akswi_helpers.sandbox.wire import Reply
from akswi_helpers.types import Json


def answer(call: Call) -> Reply:
    """The review with its status: 201."""
    kind = call.needs_kind()
    asked = bodies.read_object(call, kind)
    status = ANSWERS[kind.kind](call, asked.get("spec") or {})
    now = timestamp(call.cluster.world.clock.now())
    metadata = {**(asked.get("metadata") or {}), "creationTimestamp": now}
    head = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata}
    spec = {"spec": asked["spec"]} if "spec" in asked else {}
    shown = apply.track(kind, None, {**head, **spec}, manager=call.manager, now=now)
    return Reply({**shown, "status": status}, 201)


def _may_i(call: Call, spec: Json) -> Json:
    wanted = _wanted(call, spec)
    return {"allowed": rbac.allowed(call.cluster, call.user, wanted)}


def _may_they(call: Call, spec: Json) -> Json:
    if not spec.get("user") and not spec.get("groups"):
        why = 'Invalid value: "": at least one of user or group must be specified'
        raise _bad(call, "spec.user", "FieldValueInvalid", why)
    user = User(spec.get("user", ""), tuple(spec.get("groups") or ()))
    return {"allowed": rbac.allowed(call.cluster, user, _wanted(call, spec))}


def _rules(call: Call, spec: Json) -> Json:
    resources, others = [], []
    for rule in rbac.rules_of(call.cluster, call.user, spec.get("namespace", "")):
        if rule.get("nonResourceURLs"):
            others.append({k: rule[k] for k in ("verbs", "nonResourceURLs") if k in rule})
        else:
            resources.append(dict(rule))
    status: Json = {"resourceRules": resources, "nonResourceRules": others, "incomplete": False}
    if call.user.object_id:  # Azure's rights cannot be listed this way
        why = "webhook authorizer does not support user rule resolution"
        status |= {"incomplete": True, "evaluationError": why}
    return status


def _who_am_i(call: Call, spec: Json) -> Json:
    return {"userInfo": _shown(call.user)}


def _whose_token(call: Call, spec: Json) -> Json:
    if not spec.get("token"):
        raise _bad(call, "spec.token", "FieldValueRequired", "Required value")
    asked = list(spec.get("audiences") or [])
    user = authentication.user_of_token(call.cluster, spec["token"], asked)
    if user is None:
        return {"user": {}, "error": "[invalid bearer token]"}
    return {
        "authenticated": True,
        "user": _shown(user),
        "audiences": asked or [call.cluster.spec.issuer],
    }


ANSWERS: dict[str, Callable[[Call, Json], Json]] = {
    "SelfSubjectAccessReview": _may_i,
    "SubjectAccessReview": _may_they,
    "LocalSubjectAccessReview": _may_they,
    "SelfSubjectRulesReview": _rules,
    "SelfSubjectReview": _who_am_i,
    "TokenReview": _whose_token,
}


def _wanted(call: Call, spec: Json) -> rbac.Attributes:
    on, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if bool(on) == bool(path):
        why = "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes "
        raise _bad(call, "spec.resourceAttributes", "FieldValueInvalid", why + "must be specified")
    if path:
        return rbac.Attributes(path.get("verb", ""), path=path.get("path", ""))
    assert on
    names = ("verb", "group", "resource", "subresource", "namespace", "name")
    found = {name: str(on.get(name) or "") for name in names}
    return rbac.Attributes(**found)


def _shown(user: User) -> Json:
    found: Json = {"username": user.name}
    found |= {"uid": user.uid} if user.uid else {}
    found |= {"groups": list(user.groups)} if user.groups else {}
    return found | ({"extra": user.extra} if user.extra else {})


def _bad(call: Call, field: str, reason: str, why: str) -> Exception:
    kind = call.needs_kind()
    return invalid(kind.kind, "", kind.group, [(field, reason, why)])
