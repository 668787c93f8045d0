"""Every operation of the URL map, by everybody, on one's own object, on another workspace's and on none."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse

from productops.workspaces.models import Workspace
from tests.callers import Caller
from tests.factories import a_workspace
from tests.tenants.bodies import body_for, last_part, put_back
from tests.tenants.keeping import told, written
from tests.tenants.people import ALLOWED, CALLERS
from tests.tenants.routes import METHODS, Operation, described, operations
from tests.tenants.rows import HOW, OPEN, ROWS, made_by

pytestmark = pytest.mark.django_db

MISSING_ID, MISSING_KEY = 987_654_321, "there-is-no-such"
MATRIX = [operation for operation in operations() if operation.path not in OPEN]
WITH_OBJECT = [operation for operation in MATRIX if operation.parameters]


def scope_of(operation: Operation) -> str:
    row = ROWS[operation.resource]
    usual = row.writes if operation.is_write else row.reads
    return row.scopes.get(last_part(operation), usual)


def objects_of(operation: Operation, workspace: Workspace) -> dict[str, Any]:
    """An object of the workspace for every parameter of the path, each beneath the one before."""
    found: dict[str, Any] = {}
    for name in reversed(operation.parameters):
        inner = next(iter(found.values()), None)
        if inner is not None and hasattr(inner, name):
            found[name] = getattr(inner, name)
            continue
        resource = f"{name}s" if name != "id" else _resource_of(operation)
        make = ROWS[resource].make if resource in ROWS else None
        assert make is not None, f"{operation}: nothing makes its {{{name}}}. {HOW}"
        found[name] = make(workspace)
    return found


def _resource_of(operation: Operation) -> str:
    """Whose ids `{id}` is of: the view's model, which may be another resource's (`sources/x/rules/7/`)."""
    model = getattr(operation.view, "model", None)
    row = ROWS[operation.resource]
    if row.make is None or made_by(row) is model:
        return operation.resource
    return next(
        (name for name, one in ROWS.items() if one.make and made_by(one) is model), operation.resource
    )


def ids(found: dict[str, Any]) -> dict[str, Any]:
    return {name: row.pk for name, row in found.items()}


def keys(found: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(row, "key", None) or row.pk for name, row in found.items()}


def ask(caller: Caller, operation: Operation, refs: dict[str, Any], body: Any) -> HttpResponse:
    path = operation.at(**refs)
    if operation.method == "get":
        return caller.get(path)
    file = ROWS[operation.resource].file if operation.action == "create" else None
    if file is not None:
        query, content = file
        return caller.send("post", f"{path}{query}", content, content_type="text/csv")
    headers = {"If-Match": "*"} if operation.method in ("put", "patch", "delete") else {}
    return caller.send(operation.method, path, body, **headers)


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_every_operation_has_a_row(operation: Operation) -> None:
    if operation.path in OPEN:
        return
    assert operation.resource in ROWS, f"{operation}: {HOW}"
    if operation.parameters:
        assert objects_of(operation, a_workspace())
    is_described = any(path.replace("{}", "") == _bare(operation) for path, _ in described())
    assert is_described, f"{operation} is not in the OpenAPI document"


def _bare(operation: Operation) -> str:
    return re.sub(r"\{\w+\}", "", operation.path)


def test_no_row_is_of_a_resource_that_is_no_more() -> None:
    assert set(ROWS) == {operation.resource for operation in MATRIX}
    assert set(OPEN) <= {operation.path for operation in operations()}


@pytest.mark.parametrize("operation", MATRIX, ids=str)
def test_one_s_own_is_answered_to_those_who_may_and_to_nobody_else(operation: Operation) -> None:
    workspace = a_workspace()
    refs = ids(objects_of(operation, workspace))
    body = body_for(operation, workspace)
    if operation.method == "put":
        body = put_back(operation, Caller(workspace).get(operation.at(**refs)).json())
    callers = {name: make(workspace) for name, make in CALLERS.items()}
    before = written()
    for name, caller in callers.items():
        with transaction.atomic():
            answer = ask(caller, operation, refs, body)
            status, may = answer.status_code, scope_of(operation) in ALLOWED[name]
            if may:
                assert status in _well(operation), (name, status, answer.getvalue())
            else:
                assert status == (401 if name == "nobody" else 403), (name, status, answer.getvalue())
                assert answer["Content-Type"] == "application/problem+json"
            transaction.set_rollback(may)
    assert written() == before


def _well(operation: Operation) -> set[int]:
    """What a good request is answered; an action may not go together with the state of a new object."""
    is_action = last_part(operation) != "bulk" and operation.action not in (
        "list", "retrieve", "create", "update", "partial_update", "destroy", "csv",
    )  # fmt: skip
    return {200, 201, 202, 204} | ({400, 409} if is_action and operation.is_write else set())


def _telling(scope: str) -> list[str]:
    """Everybody who may, nobody at all, and one person and one key who may not."""
    not_allowed = [name for name in CALLERS if scope not in ALLOWED[name] and name != "nobody"]
    keys_, people = (
        [name for name in not_allowed if name.startswith("key") == is_key] for is_key in (True, False)
    )
    return [*(name for name in CALLERS if scope in ALLOWED[name]), "nobody", *keys_[:1], *people[:1]]


@pytest.mark.parametrize("operation", WITH_OBJECT, ids=str)
def test_another_s_object_is_answered_exactly_like_none_by_id_and_by_key(operation: Operation) -> None:
    own, foreign = a_workspace(), a_workspace()
    mine, theirs = objects_of(operation, own), objects_of(operation, foreign)
    body = body_for(operation, own)
    callers = {name: CALLERS[name](own) for name in _telling(scope_of(operation))}
    before = written()
    for name, caller in callers.items():
        may = scope_of(operation) in ALLOWED[name]
        status = 404 if may else 401 if name == "nobody" else 403
        for place in operation.parameters:
            # Who may not do this at all learns nothing by id; the rest is for those who may.
            for refs, nothing in ((ids, MISSING_ID), (keys, MISSING_KEY))[: 2 if may else 1]:
                asked = {**refs(mine), place: refs(theirs)[place]}
                if isinstance(asked[place], int):
                    nothing = MISSING_ID
                answer = ask(caller, operation, asked, body)
                missing = ask(caller, operation, {**refs(mine), place: nothing}, body)
                assert told(answer) == told(missing), (name, asked)
                assert answer.status_code == status, (name, asked)
        if len(operation.parameters) > 1:
            assert ask(caller, operation, ids(theirs), body).status_code == status, name
    assert written() == before


@pytest.mark.parametrize("operation", MATRIX, ids=str)
def test_an_outsider_who_names_our_workspace_is_told_what_they_would_be_of_none(operation: Operation) -> None:
    own = a_workspace()
    refs = ids(objects_of(operation, own))
    body = body_for(operation, own)
    outsider = CALLERS["admin"](a_workspace())
    before = written()
    answers = []
    for name in (own.key, str(own.pk), "no-such-workspace"):
        outsider.headers["Productops-Workspace"] = name
        answers.append(told(ask(outsider, operation, refs, body)))
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 403
    assert written() == before


@pytest.mark.parametrize("path", sorted({operation.path for operation in MATRIX}))
def test_a_method_that_a_route_does_not_have_is_405_and_does_nothing(path: str) -> None:
    workspace = a_workspace()
    here = [operation for operation in MATRIX if operation.path == path]
    refs = ids(objects_of(here[0], workspace))
    admin, nobody = Caller(workspace), Caller()
    before = written()
    for method in set(METHODS) - {operation.method for operation in here}:
        for caller, statuses in ((admin, {405}), (nobody, {401, 405})):
            headers = {**caller.headers, "If-Match": "*"}
            answer = caller.client.generic(method.upper(), here[0].at(**refs), headers=headers)
            assert answer.status_code in statuses, (method, answer.content)
            assert answer["Content-Type"] == "application/problem+json"
    assert written() == before
