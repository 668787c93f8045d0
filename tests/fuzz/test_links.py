"""Sequences of operations along the document's links: made, read, edited, put away and brought back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings

from outcomes.models import Experiment
from tests.factories import a_link, a_problem, an_item, an_outcome, evidence
from tests.fuzz.rooms import AS_IT_IS, OPERATIONS, Room, schema
from tests.tenants.bodies import body_for
from tests.tenants.routes import Operation, operations

pytestmark = pytest.mark.django_db

# In the suite a few dozen walks; benchmarks/fuzz_api.py takes hundreds.
WALKS, STEPS = 30, 12
BY_ID = {one.definition.raw["operationId"]: one for one in OPERATIONS.values()}
MAKING = {
    label: one
    for label, one in OPERATIONS.items()
    if "retrieve" in one.definition.raw["responses"].get("201", {}).get("links", {})
    and "application/json" in one.definition.raw["requestBody"]["content"]
}
# What gives a thing a past, so that it is archived and not deleted.
PASTS: dict[str, Callable[[Any], Any]] = {
    "items": an_outcome,
    "problems": lambda problem: a_link(an_item(problem.workspace), problem),
    "customers": lambda customer: evidence(a_problem(customer.workspace), customer=customer),
    "metrics": lambda metric: an_outcome(an_item(metric.workspace), metric),
    "experiments": lambda one: Experiment.objects.filter(pk=one.pk).update(
        state="decided",
        decision="ship",
        decided_at=timezone.now(),
        started_on="2026-01-01",
        ended_on="2026-02-01",
    ),
}


def test_whoever_walks_along_the_links_gets_what_the_document_says(room: Room) -> None:
    machine: Any = schema.as_state_machine()

    class Walk(machine):
        headers = {**room.owner, **AS_IT_IS}

        def setup(self) -> None:
            # Each walk starts where the first did: what it finds must not hang on the walks before it.
            self.start = transaction.savepoint()

        def teardown(self) -> None:
            transaction.savepoint_rollback(self.start)

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": self.headers}

        def call(self, case: Any, **kwargs: Any) -> Any:
            # What the database refuses ends a transaction; here all walks are in that of the test.
            place = transaction.savepoint()
            answer = super().call(case, **kwargs)
            settle = (
                transaction.savepoint_rollback if answer.status_code >= 400 else transaction.savepoint_commit
            )
            settle(place)
            return answer

        def validate_response(self, response: Any, case: Any, **kwargs: Any) -> None:
            # With the record of the walk: what was removed is gone, and what was made is there.
            sent = {"headers": self.headers}
            case.validate_response(
                response, headers=self.headers, transport_kwargs=sent, recorder=self.recorder
            )

    Walk.run(
        settings=settings(
            max_examples=WALKS,
            stateful_step_count=STEPS,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
    )


@dataclass(frozen=True)
class Place:
    """An answer, the path that it was asked at, and the document's links from it."""

    answer: Any
    path: dict[str, str]
    links: dict[str, Any]

    @property
    def status(self) -> int:
        return int(self.answer.status_code)

    def value(self, expression: str) -> str:
        """What a link's parameter is here."""
        if expression == "$response.body#/id":
            return str(self.answer.json()["id"])
        if expression == "$response.header.ETag":
            return str(self.answer.headers["etag"][0])
        assert expression == "$request.path.id"
        return self.path["id"]


def make(room: Room, label: str) -> Place:
    return ask(room, MAKING[label], {}, {}, body_for(creation(label), room.workspace))


def creation(label: str) -> Operation:
    path = MAKING[label].path.removeprefix("/api/")
    return next(one for one in operations() if (one.method, one.path) == ("post", path))


def follow(room: Room, place: Place, name: str, body: Any = None) -> Place:
    """Where the link of this name leads from a place."""
    link = place.links[name]
    said = {where: place.value(told) for where, told in link["parameters"].items()}
    headers = {"If-Match": said["header.If-Match"]} if "header.If-Match" in said else {}
    return ask(room, BY_ID[link["operationId"]], {"id": said["id"]}, headers, body)


def ask(room: Room, operation: Any, path: dict[str, str], headers: dict[str, str], body: Any) -> Place:
    said = {} if body is None else {"body": body, "media_type": "application/json"}
    case = operation.Case(path_parameters=path, headers=headers, **said)
    answer = case.call_and_validate(headers={**room.owner, **AS_IT_IS, **headers})
    told = operation.definition.raw["responses"][str(answer.status_code)]
    return Place(answer, path, told.get("links", {}))


@pytest.mark.parametrize("label", MAKING)
def test_what_was_made_is_read_edited_and_removed_along_the_links(label: str, room: Room) -> None:
    made = make(room, label)
    assert (made.status, follow(room, made, "retrieve").status) == (201, 200)
    last = made
    if "partial_update" in made.links:
        last = follow(room, made, "partial_update", {})
        assert (last.status, follow(room, last, "retrieve").status) == (200, 200)
    if "destroy" in last.links:
        assert follow(room, last, "destroy").status == 204
        assert follow(room, made, "retrieve").status == 404


@pytest.mark.parametrize("resource", PASTS)
def test_what_has_a_past_is_archived_and_brought_back_along_the_links(resource: str, room: Room) -> None:
    label = f"POST /api/v1/{resource}/"
    made = make(room, label)
    PASTS[resource](creation(label).view.model.objects.get(pk=made.answer.json()["id"]))
    gone = follow(room, made, "destroy")
    assert (gone.status, bool(follow(room, made, "retrieve").answer.json()["archived_at"])) == (204, True)
    back = follow(room, gone, "restore", {})
    assert (back.status, back.answer.json()["archived_at"]) == (200, None)
    assert follow(room, back, "partial_update", {}).status == 200
