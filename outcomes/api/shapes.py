"""Serializers for answers that rooms give as dataclasses: their fields and docstrings say all there is to say."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date, datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from rest_framework import serializers

_FIELDS: dict[Any, type[serializers.Field]] = {
    bool: serializers.BooleanField,
    int: serializers.IntegerField,
    float: serializers.FloatField,
    str: serializers.CharField,
    date: serializers.DateField,
    datetime: serializers.DateTimeField,
}


@cache
def serializer_of(shape: type) -> type[serializers.Serializer]:
    """The serializer that describes a dataclass of plain values, of lists of dataclasses, or of None."""
    hints = get_type_hints(shape)
    made: dict[str, Any] = {field.name: _field_of(hints[field.name]) for field in fields(shape)}
    doc = " ".join((shape.__doc__ or "").split())
    return type(f"{shape.__name__}Serializer", (serializers.Serializer,), {**made, "__doc__": doc})


def _field_of(hint: Any) -> serializers.Field:
    if get_origin(hint) is UnionType:
        (known,) = (part for part in get_args(hint) if part is not NoneType)
        return _FIELDS[known](allow_null=True)
    if get_origin(hint) is list:
        (part,) = get_args(hint)
        return serializer_of(part)(many=True)
    return serializer_of(hint)() if is_dataclass(hint) and isinstance(hint, type) else _FIELDS[hint]()
