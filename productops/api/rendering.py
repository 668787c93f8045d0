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

from productops.api.numbers import as_shown


class NumbersAsNumbers(JSONEncoder):
    """Decimals are JSON numbers like all others; a client adds amounts, it does not parse them."""

    def default(self, obj: Any) -> Any:
        return float(obj) if isinstance(obj, Decimal) else super().default(obj)


class JSONRenderer(renderers.JSONRenderer):
    """Compact JSON: instants as RFC 3339 in UTC with Z, days as ISO dates, numbers as numbers."""

    encoder_class = NumbersAsNumbers

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        return super().render(as_shown(data), accepted_media_type, renderer_context)

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
