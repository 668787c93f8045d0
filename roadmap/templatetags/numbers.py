"""Numbers in templates as the lists write them."""

from __future__ import annotations

from typing import Any

from django import template

from roadmap.admin import numbers

register = template.Library()


@register.filter
def short(value: Any, digits: int = 1) -> str:
    return numbers.short(value, digits) if _is_number(value) else numbers.UNKNOWN


@register.filter
def whole(value: Any) -> str:
    return numbers.short(value, 0) if _is_number(value) else numbers.UNKNOWN


@register.filter
def percent(value: Any) -> str:
    return numbers.percent(value) if _is_number(value) else numbers.UNKNOWN


@register.filter
def signed(value: Any) -> str:
    """A change: the plus sign says that it is one."""
    return f"{'+' if value > 0 else ''}{numbers.short(value)}" if _is_number(value) else numbers.UNKNOWN


@register.filter
def chance(value: Any) -> str:
    """A probability; beyond one in a thousand more digits say no more."""
    if not _is_number(value):
        return numbers.UNKNOWN
    if value < 0.001:
        return "under 0.1%"
    return "over 99.9%" if value > 0.999 else numbers.percent(value)


@register.filter
def words(value: Any) -> str:
    return numbers.words(str(value) if value else None)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
