"""Have a stored delivery interpreted again, after a metric, an item or a rule was added."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from outcomes.models import Delivery
from outcomes.pipeline import doorbell
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.actors import Actor
from productops.workspaces.models import Workspace
from productops.workspaces.versions import NotHere


@transaction.atomic
def replay_delivery(*, workspace: Workspace, by: Actor, delivery_id: int) -> Delivery:
    """Put a delivery back into the queue, due now; what was taken before stays taken.

    Raises NotHere, or ImpossibleMove when its bytes are no longer kept or it is waiting already.
    """
    deliveries = Delivery.objects.in_workspace(workspace.id)
    delivery = deliveries.defer("body").select_for_update().filter(pk=delivery_id).first()
    if delivery is None:
        raise NotHere
    if delivery.state == "pending":
        raise ImpossibleMove("This delivery is waiting to be interpreted already.")
    if deliveries.filter(pk=delivery_id, body=None).exists():
        raise ImpossibleMove("The bytes of this delivery are no longer kept.")
    deliveries.filter(pk=delivery_id).update(state="pending", attempts=0, retry_at=timezone.now())
    doorbell.ring_after_commit("interpret")
    return deliveries.defer("body").select_related("source").get(pk=delivery_id)
