"""Numbers as they are stored: without the last digits, which are the order of sums and not facts. Pure."""

from __future__ import annotations

from math import floor, isfinite, log10
from typing import overload

DIGITS = 13
"""A double holds 15 to 17; what is computed in another order, or by another model, agrees in thirteen."""


@overload
def settled(number: float, size: float | None = None) -> float: ...
@overload
def settled(number: None, size: float | None = None) -> None: ...
@overload
def settled(number: float | None, size: float | None = None) -> float | None: ...


def settled(number: float | None, size: float | None = None) -> float | None:
    """Return a number to thirteen digits of `size`, the size of what it was computed from; its own if none is said.

    A difference of numbers near 5 is right to 0.000000000001, however small it is. None stays None, and so does
    what is not finite.
    """
    size = abs(number if size is None else size) if number is not None else 0.0
    if number is None or not isfinite(number) or not isfinite(size) or size == 0.0:
        return number
    try:
        # Adding zero makes of -0.0 a zero.
        return round(number, DIGITS - 1 - floor(log10(size))) + 0.0
    except OverflowError:
        return number
