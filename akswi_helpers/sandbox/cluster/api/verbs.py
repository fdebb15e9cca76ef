"""The verbs on objects: get, create, update, patch, apply, delete, deletecollection.

Each takes a `Call` and returns a `Reply`; what they do to objects is in `objects`.

Source: refusals of a kube-apiserver 1.37.2.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.api import answers, bodies, listing
from akswi_helpers.sandbox.cluster.api.calls import Call
from akswi_helpers.sandbox.cluster.refusals import (
    StatusError,
    bad_option,
    bad_request,
    invalid,
    not_found,
)
from akswi_helpers.sandbox.cluster.rules import validation
from akswi_helpers.sandbox.cluster.tables import gotext
from akswi_helpers.sandbox.wire import Reply
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.storage.objects import Objects
    from akswi_helpers.sandbox.cluster.tables.kinds import Kind

APPLY = "application/apply-patch+yaml"
_FORMS = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
}
_POLICIES = ("Foreground", "Background", "Orphan")


def get(call: Call) -> Reply:
    """One object."""
    kind = call.needs_kind()
    answers.form_of(call)
    found = call.cluster.store.get(kind, call.namespace, call.target.name)
    if found is None:
        raise not_found(kind, call.target.name)
    return Reply(answers.one(call, kind, found))


def list_(call: Call) -> Reply:
    """Many objects."""
    return Reply(listing.listed(call))


def create(call: Call) -> Reply:
    """A new object: 201."""
    kind = call.needs_kind()
    dry_run, manager = call.dry_run, call.manager
    obj = bodies.read_object(call, kind)
    _same_namespace(call, obj)
    made = _objects(call).create(
        kind, call.namespace, obj, manager=manager, user=call.user, dry_run=dry_run
    )
    return Reply(answers.one(call, kind, made), 201)


def update(call: Call) -> Reply:
    """An object replaced, or its status."""
    kind = call.needs_kind()
    dry_run, manager = call.dry_run, call.manager
    obj = bodies.read_object(call, kind)
    _same_name(call, obj)
    _same_namespace(call, obj)
    changed = _objects(call).update(
        kind,
        call.namespace,
        obj,
        manager=manager,
        user=call.user,
        subresource=call.target.subresource,
        dry_run=dry_run,
    )
    return Reply(answers.one(call, kind, changed))


def patch(call: Call) -> Reply:
    """An object, or its status, after a patch of any of the four kinds."""
    media = bodies.media_type(call)
    if media == APPLY:
        return apply(call)
    kind, form = call.needs_kind(), _FORMS.get(media, "")
    if not form or (form == "strategic" and kind.custom):
        raise _unsupported(kind)
    if call.query.get("force"):
        why = "Forbidden: may not be specified for non-apply patch"
        raise bad_option("PatchOptions", "force", "FieldValueForbidden", why)
    given = bodies.read_json(call)
    changed = _objects(call).patch(
        kind,
        call.namespace,
        call.target.name,
        given,
        form=form,
        manager=call.manager,
        user=call.user,
        subresource=call.target.subresource,
        dry_run=call.dry_run,
        check=_checker(call, kind, given if form == "strategic" else None),
    )
    return Reply(answers.one(call, kind, changed))


def apply(call: Call) -> Reply:
    """An object after a server-side apply: 201 when it is new."""
    kind, name = call.needs_kind(), call.target.name
    if not call.query.get("fieldManager"):
        why = "Required value: is required for apply patch"
        raise bad_option("PatchOptions", "fieldManager", "FieldValueRequired", why)
    applied = bodies.read_applied(call, kind)
    if (applied.get("metadata") or {}).get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    applied["metadata"] = {"name": name, **(applied.get("metadata") or {})}
    _same_name(call, applied)
    _same_namespace(call, applied)
    made, new = _objects(call).apply(
        kind,
        call.namespace,
        name,
        applied,
        manager=call.manager,
        force=call.true("force"),
        user=call.user,
        subresource=call.target.subresource,
        dry_run=call.dry_run,
    )
    return Reply(answers.one(call, kind, made), 201 if new else 200)


def delete(call: Call) -> Reply:
    """An object marked or gone."""
    kind, options = call.needs_kind(), bodies.read_options(call)
    answer = _deleted(call, options)(call.namespace, call.target.name)
    if (kind.group, kind.kind) == ("batch", "Job") and not options.get("propagationPolicy"):
        call.answered.warnings.append(
            "child pods are preserved by default when jobs are deleted; set "
            "propagationPolicy=Background to remove them or set propagationPolicy=Orphan "
            "to suppress this warning"
        )
    return Reply(answers.one(call, kind, answer))


def delete_collection(call: Call) -> Reply:
    """Every object that the selectors keep, marked or gone; the list of them."""
    kind, keep = call.needs_kind(), listing.kept(call)
    remove = _deleted(call, bodies.read_options(call))
    rows = [o for o in call.cluster.store.list(kind, call.namespace) if keep(o)]
    with call.cluster.world.transaction():
        for obj in rows:
            remove(obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
    metadata = {"resourceVersion": str(call.cluster.store.revision)}
    return Reply(answers.many(call, kind, rows, metadata))


def _deleted(call: Call, options: Json) -> Callable[[str, str], Json]:
    policy = _policy(options)
    wanted = options.get("preconditions") or {}
    dry_run = call.dry_run or options.get("dryRun") == ["All"]

    def remove(namespace: str, name: str) -> Json:
        return _objects(call).delete(
            call.needs_kind(),
            namespace,
            name,
            propagation=policy,
            uid=wanted.get("uid") or "",
            resource_version=wanted.get("resourceVersion") or "",
            grace=options.get("gracePeriodSeconds"),
            user=call.user,
            dry_run=dry_run,
        )

    return remove


def _policy(options: Json) -> str:
    policy, orphan = options.get("propagationPolicy"), options.get("orphanDependents")
    field = "propagationPolicy"
    if policy and orphan is not None:
        why = f'Invalid value: "{policy}": orphanDependents and deletionPropagation cannot be '
        raise bad_option("DeleteOptions", field, "FieldValueInvalid", why + "both set")
    if policy and policy not in _POLICIES:
        listed = ", ".join(f'"{name}"' for name in (*_POLICIES, "nil"))
        why = f'Unsupported value: "{policy}": supported values: {listed}'
        raise bad_option("DeleteOptions", field, "FieldValueNotSupported", why)
    if orphan is not None:
        return "Orphan" if orphan else "Background"
    return str(policy or "")


def _checker(call: Call, kind: Kind, strategic: Json | None) -> Callable[[Json], Json]:
    def check(patched: Json) -> Json:
        wrong = validation.decode_errors(kind, patched) if strategic else []
        if wrong:
            raise _unfit(strategic, wrong[0])
        found = bodies.checked(call, kind, patched)
        _same_name(call, found)
        _same_namespace(call, found)
        return found

    return check


def _unfit(patch: Json | None, wrong: str) -> StatusError:
    """422 for a strategic patch with a value of the wrong type, in the words of its decoder."""
    found = re.search(r"cannot unmarshal (\w+) into .* of type (\S+)$", wrong)
    value, wanted = found.groups() if found else ("", wrong)
    if value == "number" and wanted == "string":
        why = "cannot convert int64 to string"
    elif "." in wanted:
        why = f"cannot restore struct from: {'slice' if value == 'array' else value}"
    else:
        why = f"unrecognized type: {wanted}"
    cause = ("patch", "FieldValueInvalid", f'Invalid value: "{gotext.plain(patch)}": {why}')
    error = invalid("", "", "", [cause])
    error.details = {"causes": (error.details or {})["causes"]}
    return error


def _same_name(call: Call, obj: Json) -> None:
    given, wanted = (obj.get("metadata") or {}).get("name") or "", call.target.name
    if not given:
        why = f"the name of the object ({given} based on URL) was undeterminable: "
        raise bad_request(why + "name must be provided")
    if given != wanted:
        raise bad_request(
            f"the name of the object ({given}) does not match the name on the URL ({wanted})"
        )


def _same_namespace(call: Call, obj: Json) -> None:
    given = (obj.get("metadata") or {}).get("namespace") or call.namespace
    if given != call.namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def _unsupported(kind: Kind) -> StatusError:
    message = "415: Unsupported Media Type"
    if kind.custom:
        message = (
            "the body of the request was in an unknown format - accepted media types include: "
            "application/json-patch+json, application/merge-patch+json, "
            "application/apply-patch+yaml"
        )
    return StatusError(415, "UnsupportedMediaType", message, None if kind.custom else {})


def _objects(call: Call) -> Objects:
    return call.cluster.objects
