"""Named questions about the roadmap."""

from __future__ import annotations

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.expressions import RawSQL

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

    def having_items(self, value: bool) -> Self:
        """Problems with (or without) a current item for it or for one beneath it, as their demand rolls up."""
        found = RawSQL(f"EXISTS ({_ITEMS_FOR_IT})", [], output_field=models.BooleanField())  # noqa: S611
        return self.alias(has_items=found).filter(has_items=value)

    def with_item_keys(self) -> Self:
        """Problems with the keys of these items as `item_keys`, in their order."""
        sql = f"ARRAY(SELECT DISTINCT key FROM ({_ITEMS_FOR_IT}) AS its ORDER BY key)"  # noqa: S608
        keys = RawSQL(sql, [], output_field=ArrayField(models.TextField()))  # noqa: S611
        return self.annotate(item_keys=keys)


# A constant: the problem is that of the row. Archived problems beneath it do not count, as in its standing.
_ITEMS_FOR_IT = """
    WITH RECURSIVE beneath (id) AS (
        SELECT "roadmap_problem"."id"
        UNION
        SELECT child.id FROM beneath
        JOIN roadmap_problem child ON child.parent_id = beneath.id AND child.archived_at IS NULL
    )
    SELECT item.key FROM beneath
    JOIN roadmap_link link ON link.problem_id = beneath.id
    JOIN roadmap_item item ON item.id = link.item_id AND item.archived_at IS NULL
"""


ItemManager = models.Manager.from_queryset(ItemQuerySet)
ProblemManager = models.Manager.from_queryset(ProblemQuerySet)
