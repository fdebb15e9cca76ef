"""Rules for a pod's volumes.

Source: 422 Status bodies of a kube-apiserver 1.37.2 and the validation in its published source.
Left out: sources that no AKS chart uses (iSCSI, RBD, …), which are taken as they come.
"""

from __future__ import annotations

from collections.abc import Callable

from akswi_helpers.sandbox.cluster.rules import names
from akswi_helpers.sandbox.cluster.rules.field_errors import (
    FieldError,
    duplicate,
    each,
    forbidden,
    invalid,
    required,
    too_long,
    unsupported,
)
from akswi_helpers.types import Json

_TEN_MINUTES = 600
_MODE = "must be a number between 0 and 0777 (octal), both inclusive"
_FILE_FIELDS = (
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
)
_POD_FIELDS = (
    *_FILE_FIELDS,
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.serviceAccountName",
    "spec.schedulerName",
    "status.phase",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_HOST_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)


def volumes(found: list[Json], field: str) -> tuple[set[str], list[FieldError]]:
    """The names of the volumes that are well, and what is wrong with the others."""
    good: set[str] = set()
    errors: list[FieldError] = []
    for at, volume in each(field, found):
        name = volume.get("name", "")
        wrong = _sources(volume, at)
        if name:
            wrong += [invalid(f"{at}.name", name, why) for why in names.label(name)]
        else:
            wrong.append(required(f"{at}.name"))
        if name in good:
            wrong.append(duplicate(f"{at}.name", name))
        if not wrong:
            good.add(name)
        errors += wrong
    return good, errors


def _sources(volume: Json, at: str) -> list[FieldError]:
    kinds = [kind for kind in _ORDER if volume.get(kind) is not None]
    others = [kind for kind in volume if kind not in (*_ORDER, "name")]
    errors: list[FieldError] = []
    for number, kind in enumerate(kinds + others):
        if number:
            why = "may not specify more than 1 volume type"
            errors.append(forbidden(f"{at}.{kind}", why))
        elif kind in _RULES:
            errors += _RULES[kind](volume[kind], f"{at}.{kind}")
    return errors


def _secret(source: Json, at: str) -> list[FieldError]:
    missing = [] if source.get("secretName") else [required(f"{at}.secretName")]
    return missing + _mode(source, at) + _items(source, at)


def _config_map(source: Json, at: str) -> list[FieldError]:
    missing = [] if source.get("name") else [required(f"{at}.name")]
    return missing + _mode(source, at) + _items(source, at)


def _downward(source: Json, at: str) -> list[FieldError]:
    errors = _mode(source, at)
    for path, file in each(f"{at}.items", source.get("items")):
        errors += _file(file, path)
    return errors


def _file(file: Json, at: str) -> list[FieldError]:
    errors = [] if file.get("path") else [required(f"{at}.path")]
    errors += inner_path(file.get("path", ""), f"{at}.path")
    if file.get("fieldRef"):
        errors += field_ref(file["fieldRef"], f"{at}.fieldRef", _FILE_FIELDS)
    elif not file.get("resourceFieldRef"):
        errors.append(required(at, "one of fieldRef and resourceFieldRef is required"))
    return errors


def _csi(source: Json, at: str) -> list[FieldError]:
    driver = source.get("driver", "")
    errors = [] if driver else [required(f"{at}.driver")]
    if driver:
        errors = [too_long(f"{at}.driver", 63)] if len(driver) > 63 else []
        errors += [invalid(f"{at}.driver", driver, why) for why in names.subdomain(driver.lower())]
    secret = source.get("nodePublishSecretRef")
    if secret is not None and not secret.get("name"):
        errors.append(required(f"{at}.nodePublishSecretRef.name"))
    return errors


def _host_path(source: Json, at: str) -> list[FieldError]:
    path, kind = source.get("path", ""), source.get("type", "")
    errors = [] if path else [required(f"{at}.path")]
    errors += _no_backsteps(path, f"{at}.path")
    return (
        errors if kind in _HOST_TYPES else [*errors, unsupported(f"{at}.type", kind, _HOST_TYPES)]
    )


def _claim(source: Json, at: str) -> list[FieldError]:
    return [] if source.get("claimName") else [required(f"{at}.claimName")]


def _projected(source: Json, at: str) -> list[FieldError]:
    errors, taken = _mode(source, at), set[str]()
    for path, one in each(f"{at}.sources", source.get("sources")):
        kinds = [kind for kind in one if one[kind] is not None]
        for kind in ("secret", "configMap"):
            if one.get(kind) is not None:
                errors += [] if one[kind].get("name") else [required(f"{path}.{kind}.name")]
                errors += _items(one[kind], f"{path}.{kind}")
        for file in (one.get("downwardAPI") or {}).get("items") or ():
            errors += _file(file, f"{path}.downwardAPI")
        if one.get("serviceAccountToken") is not None:
            errors += _token(one["serviceAccountToken"], path, at)
        errors += _twice(one, at, taken)
        if len(kinds) > 1:
            errors.append(forbidden(path, "may not specify more than 1 volume type per source"))
    return errors


def _token(token: Json, path: str, at: str) -> list[FieldError]:
    seconds, errors = token.get("expirationSeconds"), list[FieldError]()
    field = f"{path}.serviceAccountToken.expirationSeconds"
    if seconds is None:
        errors.append(required(field))
    elif seconds < _TEN_MINUTES:
        why = "may not specify a duration less than 10 minutes"
        errors.append(invalid(field, seconds, why))
    elif seconds > 1 << 32:
        why = "may not specify a duration larger than 2^32 seconds"
        errors.append(invalid(field, seconds, why))
    if not token.get("path"):
        return [*errors, required(f"{at}.path")]
    return errors + inner_path(token["path"], f"{at}.path")


def _twice(source: Json, at: str, taken: set[str]) -> list[FieldError]:
    """Complaints about paths that an earlier source has; tokens are not compared."""
    errors = []
    for kind in ("secret", "configMap", "downwardAPI"):
        found = source.get(kind) or {}
        for one in found.get("items") or ():
            path = one.get("path", "")
            if path and path in taken:
                named = path if kind == "downwardAPI" else found.get("name", "")
                errors.append(invalid(at, named, "conflicting duplicate paths"))
            taken.add(path)
    return errors


def _items(source: Json, at: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for path, one in each(f"{at}.items", source.get("items")):
        errors += [required(f"{path}.{name}") for name in ("key", "path") if not one.get(name)]
        errors += inner_path(one.get("path", ""), f"{path}.path")
        mode = one.get("mode")
        if mode is not None and not 0 <= mode <= 0o777:
            errors.append(invalid(f"{path}.mode", mode, _MODE))
    return errors


def _mode(source: Json, at: str) -> list[FieldError]:
    mode = source.get("defaultMode")
    wrong = mode is not None and not 0 <= mode <= 0o777
    return [invalid(f"{at}.defaultMode", mode, _MODE)] if wrong else []


def inner_path(path: str, field: str) -> list[FieldError]:
    """What is wrong with a path inside a volume."""
    errors = descending(path, field)
    if path.startswith("..") and not path.startswith("../") and path != "..":
        errors.append(invalid(field, path, "must not start with '..'"))
    return errors


def descending(path: str, field: str) -> list[FieldError]:
    """What is wrong with a path that must lead down from where it starts."""
    absolute = [invalid(field, path, "must be a relative path")] if path.startswith("/") else []
    return absolute + _no_backsteps(path, field)


def _no_backsteps(path: str, field: str) -> list[FieldError]:
    climbs = ".." in path.split("/")
    return [invalid(field, path, "must not contain '..'")] if climbs else []


def field_ref(ref: Json, at: str, allowed: tuple[str, ...]) -> list[FieldError]:
    """What is wrong with a reference to one of the pod's own fields."""
    path = ref.get("fieldPath", "")
    if not path:
        return [required(f"{at}.fieldPath")]
    base, bracket, _ = path.partition("['")
    why = ""
    if bracket and base not in ("metadata.annotations", "metadata.labels"):
        why = f"field label does not support subscript: {path}"
    elif not bracket and path not in _POD_FIELDS:
        why = f"field label not supported: {path}"
    if why:
        return [invalid(f"{at}.fieldPath", path, f"error converting fieldPath: {why}")]
    if bracket:
        return []
    return [] if path in allowed else [unsupported(f"{at}.fieldPath", path, allowed)]


_RULES: dict[str, Callable[[Json, str], list[FieldError]]] = {
    "emptyDir": lambda source, at: [],
    "hostPath": _host_path,
    "secret": _secret,
    "persistentVolumeClaim": _claim,
    "downwardAPI": _downward,
    "configMap": _config_map,
    "projected": _projected,
    "csi": _csi,
}
_ORDER = tuple(_RULES)
