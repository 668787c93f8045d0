"""Named questions about facts, values and flags."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from productops.workspaces.querysets import M, WorkspaceQuerySet

OPEN_STATES = ("open", "acknowledged", "snoozed")


class DeliveryQuerySet(WorkspaceQuerySet[M]):
    def pending(self) -> Self:
        """Deliveries a worker has still to interpret, those whose retry is due."""
        due = Q(retry_at=None) | Q(retry_at__lte=timezone.now())
        return self.filter(due, state="pending")


class FlagQuerySet(WorkspaceQuerySet[M]):
    def standing(self) -> Self:
        """Flags whose condition has not been resolved, dismissed or accepted."""
        return self.filter(state__in=OPEN_STATES)


class FactQuerySet(WorkspaceQuerySet[M]):
    def counted(self) -> Self:
        """Facts that were not retracted."""
        return self.filter(is_retracted=False)


DeliveryManager = models.Manager.from_queryset(DeliveryQuerySet)
FlagManager = models.Manager.from_queryset(FlagQuerySet)
FactManager = models.Manager.from_queryset(FactQuerySet)
