"""How answers are written, and why no Accept header can prevent one."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from rest_framework import renderers
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.utils.encoders import JSONEncoder

# A number of so many digits may have been typed: those a double holds as they are.
_TYPED_DIGITS = 15
_SHOWN_DIGITS = 12


def shown(number: float) -> float:
    """A number as answers show it.

    What was typed has at most 15 significant digits, or is whole, and is shown as it was; one that needs more was
    computed, and is shown to 12: 0.04 and not 0.040000000000000036. Only what is shown is rounded, never what is
    stored or hashed.
    """
    if number.is_integer():
        return number
    text = repr(number)
    if len(text) <= _TYPED_DIGITS:
        return number
    digits = text.partition("e")[0].replace(".", "").lstrip("-0").rstrip("0")
    return number if len(digits) <= _TYPED_DIGITS else float(f"{number:.{_SHOWN_DIGITS}g}")


def _as_shown(value: Any) -> Any:
    """The same answer with its numbers as they are shown."""
    if isinstance(value, float):
        return shown(value)
    if isinstance(value, dict):
        return {name: _as_shown(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_as_shown(inner) for inner in value]
    return value


class NumbersAsNumbers(JSONEncoder):
    """Decimals are JSON numbers like all others; a client adds amounts, it does not parse them."""

    def default(self, obj: Any) -> Any:
        return float(obj) if isinstance(obj, Decimal) else super().default(obj)


class JSONRenderer(renderers.JSONRenderer):
    """Compact JSON: instants as RFC 3339 in UTC with Z, days as ISO dates, numbers as numbers."""

    encoder_class = NumbersAsNumbers

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        return super().render(_as_shown(data), accepted_media_type, renderer_context)

    def get_indent(self, accepted_media_type: str, renderer_context: Any) -> None:
        # The same bytes for every Accept header: an ETag stands for one representation.
        return None


class AnyAccept(DefaultContentNegotiation):
    """There is one representation, so every Accept header gets it instead of a 406."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        only = next(iter(renderers))
        return only, str(only.media_type)
