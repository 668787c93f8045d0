from __future__ import annotations

from django.db import models

from roadmap.models.keyed import Keyed, key_is_well_formed


class Product(Keyed):
    """Groups items; says whether people or customers are counted as users."""

    class Unit(models.TextChoices):
        PEOPLE = "people"
        CUSTOMERS = "customers"

    name = models.CharField(max_length=200)
    unit = models.CharField(max_length=10, choices=Unit.choices, default=Unit.PEOPLE)
    eligible_count = models.PositiveIntegerField(
        null=True, blank=True, help_text="How many could use it, where nothing measured says so."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "key"], name="one_product_per_key"),
            key_is_well_formed("product_key_is_well_formed"),
            models.CheckConstraint(
                condition=models.Q(unit__in=["people", "customers"]), name="product_unit_is_known"
            ),
        ]
