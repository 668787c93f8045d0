"""A foreign id or key in a body or a filter is answered exactly like one of nothing, and nothing leaks."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from productops.api.filters import RefFilter
from tests.admin.furnishing import furnish
from tests.callers import Caller
from tests.factories import a_workspace
from tests.tenants.bodies import Reference, body_for, references, with_reference
from tests.tenants.keeping import told, words, written
from tests.tenants.routes import Operation, described_of
from tests.tenants.rows import HOW, NO_REFERENCES, PLAIN_REFERENCES, ROWS, maker_of
from tests.tenants.test_matrix import MATRIX, MISSING_ID, MISSING_KEY, ask, ids, objects_of

pytestmark = pytest.mark.django_db

BODIES = [(operation, reference) for operation in MATRIX for reference in references(operation)]
LISTS = [operation for operation in MATRIX if operation.method == "get"]
# Query parameters by these names are references, whatever filter is behind them.
NOUNS = {
    "item": "items", "metric": "metrics", "product": "products", "problem": "problems", "source": "sources",
    "customer": "customers", "owner": "members", "outcome": "outcomes", "delivery": "deliveries",
    "experiment": "experiments", "endpoint": "endpoints",
}  # fmt: skip


def refs_of(row: Any) -> list[Any]:
    return [row.pk, str(row.pk), *([row.key] if getattr(row, "key", None) else [])]


def make_of(model: Any) -> Any:
    return ROWS[model].make if isinstance(model, str) else maker_of(model)


def name_of(value: Any) -> str:
    return value.pointer if isinstance(value, Reference) else str(value)


@pytest.mark.parametrize(("operation", "reference"), BODIES, ids=name_of)
def test_a_reference_to_another_s_object_is_refused_like_one_to_nothing(
    operation: Operation, reference: Reference
) -> None:
    own, foreign = a_workspace(), a_workspace()
    found = ids(objects_of(operation, own))
    make = make_of(reference.model)
    mine, theirs = make(own), make(foreign)
    caller = Caller(own)

    def answer_to(ref: Any) -> tuple[Any, ...]:
        with transaction.atomic():
            return told(ask(caller, operation, found, with_reference(operation, own, reference.path, ref)))

    before = written()
    is_plain = isinstance(reference.model, str)
    for ref in refs_of(theirs)[:1] if is_plain else refs_of(theirs):
        nothing: Any = (
            MISSING_ID if isinstance(ref, int) else MISSING_KEY if ref != str(theirs.pk) else str(MISSING_ID)
        )
        with transaction.atomic():
            foreign_answer, missing = answer_to(ref), answer_to(nothing)
            assert foreign_answer == missing, (reference.pointer, ref)
            assert foreign_answer[0] in (400, 404, 409), foreign_answer
            if not is_plain:
                pointers = {error["pointer"] for error in foreign_answer[1]["errors"]}
                assert reference.pointer in pointers, foreign_answer
            transaction.set_rollback(True)
    assert written() == before
    # The question was a good one: with an object of one's own nobody complains about the reference.
    with transaction.atomic():
        good = answer_to(mine.pk)
        complaints = good[1].get("errors", []) if isinstance(good[1], dict) else []
        assert not any(
            error["pointer"] == reference.pointer and error["code"] == "does_not_exist"
            for error in complaints
        ), good
        assert good[0] != 404
        transaction.set_rollback(True)


@pytest.mark.parametrize("operation", [o for o in MATRIX if o.action == "bulk"], ids=str)
def test_a_bulk_row_that_names_another_s_object_is_answered_like_one_that_names_nothing(
    operation: Operation,
) -> None:
    own, foreign = a_workspace(), a_workspace()
    make = ROWS[operation.resource].make
    assert make is not None
    theirs, caller = make(foreign), Caller(own)
    row = {**body_for(operation, own)["rows"][0], "version": 1}
    before = written()
    for query in ("", "?partial=true", "?dry_run=true"):
        path = f"/api/{operation.path}{query}"
        named = [("id", theirs.pk, MISSING_ID)]
        if hasattr(theirs, "key"):
            named += [("key", theirs.key, MISSING_KEY), ("id", theirs.key, MISSING_KEY)]
        for name, ref, nothing in named:
            answers = [told(caller.post(path, {"rows": [{**row, name: value}]})) for value in (ref, nothing)]
            assert answers[0] == answers[1], (query, name)
    assert written() == before


def filters_of(operation: Operation) -> dict[str, Any]:
    """Query parameters that name objects: the model, or the resource, of each."""
    described = described_of(operation).queries
    named: dict[str, Any] = {name: NOUNS[name] for name in described if name in NOUNS}
    filterset = getattr(operation.view, "filterset_class", None)
    for name, held in (filterset.base_filters if filterset else {}).items():
        if isinstance(held, RefFilter) and name in described:
            named[name] = held.target
    return named


FILTERS = [(o, name, model) for o in LISTS for name, model in filters_of(o).items()]


@pytest.mark.parametrize(("operation", "name", "model"), FILTERS, ids=str)
def test_a_filter_by_another_s_object_is_refused_like_one_by_nothing(
    operation: Operation, name: str, model: Any
) -> None:
    own, foreign = a_workspace(), a_workspace()
    make = make_of(model)
    mine, theirs, caller = make(own), make(foreign), Caller(own)
    path = operation.at(**ids(objects_of(operation, own)))
    for ref in refs_of(theirs)[1:]:
        nothing = MISSING_ID if ref == str(theirs.pk) else MISSING_KEY
        foreign_answer, missing = caller.get(f"{path}?{name}={ref}"), caller.get(f"{path}?{name}={nothing}")
        assert told(foreign_answer) == told(missing)
        assert foreign_answer.status_code == 400
        assert foreign_answer.json()["errors"][0]["pointer"] == f"/{name}"
    for ref in refs_of(mine)[1:]:
        assert caller.get(f"{path}?{name}={ref}").status_code == 200


@pytest.mark.parametrize("operation", LISTS, ids=str)
def test_nothing_of_another_workspace_is_in_any_answer(operation: Operation) -> None:
    own, foreign = a_workspace(), a_workspace()
    furnish(own, "Our own")
    furnish(foreign, "Zanzibar")
    refs = ids(objects_of(operation, own))
    answer = Caller(own).get(operation.at(**refs))
    assert answer.status_code == 200, answer.content
    leaked = {word for word in words(answer) if "zanzibar" in word.lower() or foreign.key in word}
    assert not leaked


@pytest.mark.parametrize("operation", [o for o in LISTS if o.action == "list"], ids=str)
def test_a_list_holds_one_s_own_and_no_other(operation: Operation) -> None:
    own, foreign = a_workspace(), a_workspace()
    mine, theirs = objects_of(operation, own), objects_of(operation, foreign)
    make = None if operation.parameters else ROWS[operation.resource].make
    if make is not None:
        mine, theirs = {"id": make(own)}, {"id": make(foreign)}
    body = Caller(own).get(f"{operation.at(**ids(mine))}?page_size=200").json()
    found = {row["id"] for row in body["results"] if "id" in row}
    if make is not None and operation.resource != "changes":
        # A change appears once its transaction has ended, and this one has not.
        assert mine["id"].pk in found
    if make is not None:
        assert theirs["id"].pk not in found


def test_every_plain_reference_is_of_a_body_that_is_there() -> None:
    for ending, (name, resource) in PLAIN_REFERENCES.items():
        bodies = [described_of(o).body for o in MATRIX if o.path.endswith(ending)]
        assert bodies, ending
        assert all(name in body.fields for body in bodies), HOW
        assert resource in ROWS


def test_a_field_that_sounds_like_an_object_is_checked_like_one() -> None:
    """A CharField called `item` would be a reference that this matrix does not see."""
    unseen = []
    for operation in MATRIX:
        seen = {reference.pointer for reference in references(operation)}
        for name, held in getattr(described_of(operation).body, "fields", {}).items():
            is_none = any(operation.path.find(part) >= 0 and name == said for part, said in NO_REFERENCES)
            if name in NOUNS and not held.read_only and f"/{name}" not in seen and not is_none:
                unseen.append(f"{operation}: {name}")
    assert not unseen, "make it a KeyOrId, or name it in PLAIN_REFERENCES of tests/tenants/rows.py"
