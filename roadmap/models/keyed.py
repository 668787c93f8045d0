"""Rows that people name with a key."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models

from productops.workspaces.models import Versioned
from roadmap.rules import is_key

KEY_PATTERN = r"^[A-Za-z0-9_-]+$"


def validate_key(value: str) -> None:
    if not is_key(value):
        raise ValidationError(
            "A key is letters, digits, - and _, not all digits and not the word bulk.", code="invalid"
        )


def key_is_well_formed(name: str, pattern: str = KEY_PATTERN) -> models.CheckConstraint:
    """The database refuses a key that could be taken for an id or for the bulk endpoint."""
    return models.CheckConstraint(
        condition=models.Q(key__regex=pattern) & ~models.Q(key__regex=r"^[0-9]+$") & ~models.Q(key="bulk"),
        name=name,
    )


class Keyed(Versioned):
    key = models.CharField(max_length=200, validators=[validate_key])

    class Meta:
        abstract = True
