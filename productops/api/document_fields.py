"""Fields of the OpenAPI document: what a serializer takes and shows, beyond what drf-spectacular sees."""

from __future__ import annotations

from typing import Any

from drf_spectacular.plumbing import force_instance
from drf_spectacular.utils import Direction

from productops.api.serializers import RefusesUnknownFields


def tell_fields(made: dict[str, Any], serializer: Any, direction: Direction) -> dict[str, Any]:
    """Complete the schema that was made of a serializer.

    An answer has all of its fields, whichever could have been left out of the question. (`?fields=` leaves out what
    its caller did not ask for; no schema can say that.)
    """
    for told in made.get("properties", {}).values():
        _either_or_blank(told)
    kind = serializer if isinstance(serializer, type) else type(serializer)
    if not vars(kind).get("__doc__"):
        # What its parent says is about serializers.
        made.pop("description", None)
    for told in made.get("properties", {}).values():
        if told.get("oneOf") == [{}, {"type": "null"}]:
            # Null is anything, too, so that it would be two of the two where one is asked for.
            del told["oneOf"]
    if direction == "response":
        _require_all_but(made, getattr(kind, "sometimes", ()))
        return made
    if issubclass(kind, RefusesUnknownFields):
        made["additionalProperties"] = False
    fields = force_instance(serializer).fields  # type: ignore[no-untyped-call]
    ranges: dict[str, dict[str, float]] = getattr(kind, "ranges", {})
    for name, told in made.get("properties", {}).items():
        _bound(told, fields[name])
        told.update(ranges.get(name, {}))
    return made


def _require_all_but(made: dict[str, Any], sometimes: tuple[str, ...]) -> None:
    made["required"] = sorted(name for name in made.get("properties", {}) if name not in sometimes)
    if not made["required"]:
        del made["required"]


def _bound(told: dict[str, Any], field: Any) -> None:
    if told.get("type") == "array" and not getattr(field, "allow_empty", True):
        told["minItems"] = 1
    if told.get("type") == "array" and getattr(field, "max_length", None):
        told["maxItems"] = field.max_length
    default_in_words(told)
    # A format alone asks for nothing: this much can be asked for.
    if told.get("format") == "date":
        told["pattern"] = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def default_in_words(told: dict[str, Any]) -> None:
    """Tell in words what a field is when it is left out: generated clients take `default` for "always there"."""
    if "default" not in told:
        return
    default = told.pop("default")
    if default not in (None, ""):
        told["description"] = f"{told.get('description', '')} {default} when it is left out.".strip()


def _either_or_blank(told: dict[str, Any]) -> None:
    """Let a blank text be both of what it may be: where formats are not looked at, it matches the other, too."""
    if {"type": "string", "maxLength": 0} in told.get("oneOf", ()):
        told["anyOf"] = told.pop("oneOf")
