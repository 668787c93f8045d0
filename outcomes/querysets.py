"""Named questions about facts, values and flags."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from productops.workspaces.querysets import ArchivableQuerySet, M, WorkspaceQuerySet

OPEN_STATES = ("open", "acknowledged", "snoozed")


class DeliveryQuerySet(WorkspaceQuerySet[M]):
    def pending(self) -> Self:
        """Deliveries a worker has still to interpret, those whose retry is due."""
        due = Q(retry_at=None) | Q(retry_at__lte=timezone.now())
        return self.filter(due, state="pending")


class SecretQuerySet(WorkspaceQuerySet[M]):
    def valid_at(self, now: datetime) -> Self:
        """Secrets that prove a request at this instant."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now))


class FlagQuerySet(WorkspaceQuerySet[M]):
    def standing(self) -> Self:
        """Flags whose condition has not been resolved, dismissed or accepted."""
        return self.filter(state__in=OPEN_STATES)


class EffectQuerySet(WorkspaceQuerySet[M]):
    def told(self) -> Self:
        """Effects there is something to tell of."""
        return self.filter(is_withdrawn=False)


class FactQuerySet(WorkspaceQuerySet[M]):
    def counted(self) -> Self:
        """Facts that were not retracted."""
        return self.filter(is_retracted=False)


class ExperimentQuerySet(ArchivableQuerySet[M]):
    def in_state(self, states: Collection[str], day: date) -> Self:
        """Experiments in one of these states as of a day: a planned last day that is over has ended them."""
        has_ended = Q(state="running", ended_on__lt=day)
        wanted = Q(state__in=states) & ~has_ended
        return self.filter(wanted | has_ended if "ended" in states else wanted)


DeliveryManager = models.Manager.from_queryset(DeliveryQuerySet)
EveryEffectManager = models.Manager.from_queryset(EffectQuerySet)
EveryFlagManager = models.Manager.from_queryset(FlagQuerySet)
ExperimentManager = models.Manager.from_queryset(ExperimentQuerySet)
FactManager = models.Manager.from_queryset(FactQuerySet)
SecretManager = models.Manager.from_queryset(SecretQuerySet)


class FlagManager(EveryFlagManager[M]):
    """The flags there are as of the day of judgement: a pin to the past hides those that open later."""

    def get_queryset(self) -> FlagQuerySet[M]:
        rows: FlagQuerySet[M] = FlagQuerySet(self.model, using=self._db)
        return rows.filter(is_ahead=False)


class EffectManager(EveryEffectManager[M]):
    """The effects there is something to tell of."""

    def get_queryset(self) -> EffectQuerySet[M]:
        rows: EffectQuerySet[M] = EffectQuerySet(self.model, using=self._db)
        return rows.told()
