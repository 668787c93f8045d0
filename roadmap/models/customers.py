from __future__ import annotations

from django.db import models

from productops.workspaces.querysets import ArchivableManager
from roadmap.models.keyed import Keyed, by_beginning_of_key, by_words, key_is_well_formed


class Customer(Keyed):
    """An account and its monthly recurring revenue, in the workspace's own currency."""

    name = models.CharField(max_length=200)
    segment = models.CharField(max_length=100, blank=True)
    mrr = models.DecimalField(max_digits=16, decimal_places=2, null=True, blank=True)
    # Which statement wrote it last when it came by webhook.
    stated_at = models.DateTimeField(null=True, editable=False)
    stated_by = models.CharField(max_length=200, blank=True, editable=False)
    stated_row = models.PositiveIntegerField(default=0, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ArchivableManager()  # type: ignore[misc]  # the stubs see a class variable in the parent

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "key"], name="one_customer_per_key"),
            key_is_well_formed("customer_key_is_well_formed", r"^[A-Za-z0-9._:@-]+$"),
            models.CheckConstraint(condition=models.Q(mrr__gte=0), name="customer_mrr_is_not_negative"),
        ]
        indexes = [
            by_words("customer_by_words", "name", "key", "segment"),
            by_beginning_of_key("customer_by_beginning_of_key"),
        ]
