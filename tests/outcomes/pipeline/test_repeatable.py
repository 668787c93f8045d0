"""What the worker commits need not wait for the disk, because it is whole or not there at all."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction

from outcomes.models import Delivery, Observation
from outcomes.pipeline import interpret
from outcomes.pipeline.repeatable import repeatable
from tests.factories import a_metric
from tests.outcomes.pipeline.stating import Team


def waits_for_the_disk() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        return bool(cursor.fetchone()[0] == "on")


@pytest.mark.django_db(transaction=True)
def test_only_the_transaction_that_can_be_done_again_does_not_wait_for_the_disk() -> None:
    with repeatable():
        assert not waits_for_the_disk()
    assert waits_for_the_disk()
    with transaction.atomic():
        assert waits_for_the_disk()


@pytest.mark.django_db(transaction=True)
def test_within_somebody_elses_transaction_it_is_as_durable_as_that_one() -> None:
    with transaction.atomic(), repeatable():
        assert waits_for_the_disk()


@pytest.mark.django_db
def test_facts_and_what_became_of_their_delivery_stand_or_fall_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    team = Team()
    a_metric(team.workspace, key="m")
    told = team.state({"observations": [{"metric": "m", "at": "2026-05-01T09:00:00Z", "value": 1}]})
    write_outcomes = interpret._write_outcomes

    def written_and_then_ended(deliveries: list[Any]) -> None:
        assert Observation.objects.count() == 1
        write_outcomes(deliveries)
        raise KeyboardInterrupt

    monkeypatch.setattr(interpret, "_write_outcomes", written_and_then_ended)
    with pytest.raises(KeyboardInterrupt):
        interpret.interpret_pending(max_seconds=60)

    assert (team.told(told).state, Observation.objects.count()) == ("pending", 0)
    monkeypatch.undo()
    Delivery.objects.update(retry_at=None)
    team.settle()
    assert (team.told(told).state, Observation.objects.count()) == ("done", 1)
