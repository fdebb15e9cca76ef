"""Rules for ConfigMaps, Secrets, roles and their bindings.

Source: 422 Status bodies of a kube-apiserver 1.37.2 and the validation in its published source.
Left out: whether the content of a docker configuration is JSON.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

from akswi_helpers.sandbox.cluster.rules import names
from akswi_helpers.sandbox.cluster.rules.field_errors import (
    FieldError,
    each,
    forbidden,
    invalid,
    required,
    too_long,
    unsupported,
)
from akswi_helpers.types import Json

_LIMIT = 1024 * 1024
_GROUP = "rbac.authorization.k8s.io"
_SUBJECTS = ("ServiceAccount", "User", "Group")
_ACCOUNT = "kubernetes.io/service-account.name"
_NEEDED = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}


def config_map(obj: Json) -> list[FieldError]:
    """What is wrong with a ConfigMap."""
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    errors = []
    for key in data:
        errors += [invalid(f"data[{key}]", key, why) for why in names.config_key(key)]
        if key in binary:
            why = "duplicate of key present in binaryData"
            errors.append(invalid(f"data[{key}]", key, why))
    for key in binary:
        errors += [invalid(f"binaryData[{key}]", key, why) for why in names.config_key(key)]
    size = sum(len(value.encode()) for value in data.values()) + _decoded(binary)
    return [*errors, too_long("", _LIMIT)] if size > _LIMIT else errors


def secret(obj: Json) -> list[FieldError]:
    """What is wrong with a Secret."""
    data, kind = obj.get("data") or {}, obj.get("type", "")
    errors = [invalid(f"data[{k}]", k, why) for k in data for why in names.config_key(k)]
    if _decoded(data) > _LIMIT:
        errors.append(too_long("data", _LIMIT))
    if kind == "kubernetes.io/service-account-token":
        if not (obj["metadata"].get("annotations") or {}).get(_ACCOUNT):
            errors.append(required(f"metadata.annotations[{_ACCOUNT}]"))
    elif kind == "kubernetes.io/basic-auth" and not {"username", "password"} & set(data):
        errors += [required("data[username]"), required("data[password]")]
    return errors + [required(f"data[{key}]") for key in _NEEDED.get(kind, ()) if key not in data]


def frozen(*fields: str) -> Callable[[Json, Json], list[FieldError]]:
    """The rule that nothing of `fields` changes once `immutable` is set."""

    def rule(new: Json, old: Json) -> list[FieldError]:
        if not old.get("immutable"):
            return []
        why = "field is immutable when `immutable` is set"
        changed = [name for name in fields if (new.get(name) or {}) != (old.get(name) or {})]
        opened = [] if new.get("immutable") else ["immutable"]
        return [forbidden(name, why) for name in opened + changed]

    return rule


def secret_kept(new: Json, old: Json) -> list[FieldError]:
    """A Secret keeps its type, and all of itself once immutable."""
    errors = []
    if new.get("type") != old.get("type"):
        errors.append(invalid("type", new.get("type", ""), "field is immutable"))
    return errors + frozen("data")(new, old)


def role(obj: Json) -> list[FieldError]:
    """What is wrong with a Role."""
    return _rules(obj, namespaced=True)


def cluster_role(obj: Json) -> list[FieldError]:
    """What is wrong with a ClusterRole."""
    return _rules(obj, namespaced=False)


def role_binding(obj: Json) -> list[FieldError]:
    """What is wrong with a RoleBinding."""
    return _binding(obj, ("Role", "ClusterRole"), namespaced=True)


def cluster_role_binding(obj: Json) -> list[FieldError]:
    """What is wrong with a ClusterRoleBinding."""
    return _binding(obj, ("ClusterRole",), namespaced=False)


def role_kept(new: Json, old: Json) -> list[FieldError]:
    """A binding keeps its role."""
    after = new.get("roleRef") or {}
    if after == old.get("roleRef"):
        return []
    # The real server prints its own Go value, whose fields have no JSON names.
    given = {"APIGroup": after.get("apiGroup", ""), "Kind": after.get("kind", "")}
    given["Name"] = after.get("name", "")
    return [invalid("roleRef", given, "field is immutable")]


def _decoded(data: Json) -> int:
    return sum(len(base64.b64decode(value or "")) for value in data.values())


def _rules(obj: Json, *, namespaced: bool) -> list[FieldError]:
    errors: list[FieldError] = []
    for at, rule in each("rules", obj.get("rules")):
        if not rule.get("verbs"):
            errors.append(required(f"{at}.verbs", "verbs must contain at least one value"))
        if rule.get("nonResourceURLs"):
            errors += _paths(rule, f"{at}.nonResourceURLs", namespaced)
            continue
        if not rule.get("apiGroups"):
            why = "resource rules must supply at least one api group"
            errors.append(required(f"{at}.apiGroups", why))
        if not rule.get("resources"):
            why = "resource rules must supply at least one resource"
            errors.append(required(f"{at}.resources", why))
    return errors


def _paths(rule: Json, at: str, namespaced: bool) -> list[FieldError]:
    urls, errors = rule["nonResourceURLs"], list[FieldError]()
    if namespaced:
        errors.append(invalid(at, urls, "namespaced rules cannot apply to non-resource URLs"))
    if any(rule.get(name) for name in ("apiGroups", "resources", "resourceNames")):
        why = "rules cannot apply to both regular resources and non-resource URLs"
        errors.append(invalid(at, urls, why))
    return errors


def _binding(obj: Json, kinds: tuple[str, ...], *, namespaced: bool) -> list[FieldError]:
    ref, errors = obj.get("roleRef") or {}, list[FieldError]()
    if ref.get("apiGroup") != _GROUP:
        errors.append(unsupported("roleRef.apiGroup", ref.get("apiGroup", ""), [_GROUP]))
    if ref.get("kind") not in kinds:
        errors.append(unsupported("roleRef.kind", ref.get("kind", ""), kinds))
    name = ref.get("name", "")
    errors += [] if name else [required("roleRef.name")]
    errors += [invalid("roleRef.name", name, why) for why in names.path_segment(name)]
    for at, subject in each("subjects", obj.get("subjects")):
        errors += _subject(subject, at, namespaced)
    return errors


def _subject(subject: Json, at: str, namespaced: bool) -> list[FieldError]:
    name, kind = subject.get("name", ""), subject.get("kind", "")
    group, errors = subject.get("apiGroup", ""), list[FieldError]()
    if not name:
        errors.append(required(f"{at}.name"))
    if kind not in _SUBJECTS:
        return [*errors, unsupported(f"{at}.kind", kind, _SUBJECTS)]
    if kind == "ServiceAccount":
        errors += [invalid(f"{at}.name", name, w) for w in names.subdomain(name) if name]
        if group:
            errors.append(unsupported(f"{at}.apiGroup", group, [""]))
        if not namespaced and not subject.get("namespace"):
            errors.append(required(f"{at}.namespace"))
    elif group != _GROUP:
        errors.append(unsupported(f"{at}.apiGroup", group, [_GROUP]))
    return errors
