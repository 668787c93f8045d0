from __future__ import annotations

import pytest

from outcomes.models import Delivery
from outcomes.services.deliveries import replay_delivery
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.actors import Actor
from productops.workspaces.versions import NotHere
from tests.factories import a_delivery, a_workspace

pytestmark = pytest.mark.django_db

PAULA = Actor(name="Paula", user_id=None, via="api")


def test_a_delivery_that_was_quarantined_goes_back_into_the_queue() -> None:
    delivery = a_delivery(state="quarantined", attempts=5)
    replayed = replay_delivery(workspace=delivery.workspace, by=PAULA, delivery_id=delivery.pk)
    assert (replayed.state, replayed.attempts) == ("pending", 0)
    assert list(Delivery.objects.pending()) == [delivery]


def test_a_delivery_that_is_waiting_cannot_be_replayed() -> None:
    delivery = a_delivery(state="pending")
    with pytest.raises(ImpossibleMove):
        replay_delivery(workspace=delivery.workspace, by=PAULA, delivery_id=delivery.pk)


def test_a_delivery_whose_bytes_are_gone_cannot_be_replayed() -> None:
    delivery = a_delivery(state="done", body=None)
    with pytest.raises(ImpossibleMove):
        replay_delivery(workspace=delivery.workspace, by=PAULA, delivery_id=delivery.pk)


def test_an_outsider_cannot_replay_a_delivery_of_another_workspace() -> None:
    delivery = a_delivery(state="done")
    with pytest.raises(NotHere):
        replay_delivery(workspace=a_workspace(), by=PAULA, delivery_id=delivery.pk)
    assert Delivery.objects.get().state == "done"
