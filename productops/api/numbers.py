"""Numbers as we tell them: without the noise of floating point. Knows no Django."""

from __future__ import annotations

from typing import Any

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


def as_shown(value: Any) -> Any:
    """The same answer, or body, with its numbers as they are shown."""
    if isinstance(value, float):
        return shown(value)
    if isinstance(value, dict):
        return {name: as_shown(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [as_shown(inner) for inner in value]
    return value
