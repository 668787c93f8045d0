"""Named questions about the roadmap."""

from __future__ import annotations

from typing import Self

from django.db import models

from productops.workspaces.querysets import ArchivableQuerySet, M


class ItemQuerySet(ArchivableQuerySet[M]):
    def released(self) -> Self:
        return self.filter(status="released")

    def for_card(self) -> Self:
        """Items with what their card shows of the roadmap, in a constant number of queries."""
        return self.select_related("product", "owner__user").prefetch_related("links__problem")


class ProblemQuerySet(ArchivableQuerySet[M]):
    def for_list(self) -> Self:
        return self.select_related("parent", "standing")


ItemManager = models.Manager.from_queryset(ItemQuerySet)
ProblemManager = models.Manager.from_queryset(ProblemQuerySet)
