"""Rows that people name with a key."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVector
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Upper

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


def words_of(*fields: str) -> SearchVector:
    """What a full-text search looks through: these fields, as English words."""
    return SearchVector(*fields, config="english")


def by_words(name: str, *fields: str) -> GinIndex:
    """Read by `?search=`, which asks for the same expression over the same fields."""
    return GinIndex(words_of(*fields), name=name)


def by_beginning_of_key(name: str) -> models.Index:
    """Read by `?search=`, which finds a key by its beginning too, in small or large letters."""
    return models.Index(OpClass(Upper("key"), name="text_pattern_ops"), name=name)


class Keyed(Versioned):
    key = models.CharField(max_length=200, validators=[validate_key])

    class Meta:
        abstract = True
