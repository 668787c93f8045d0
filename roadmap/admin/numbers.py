"""How numbers read in lists and panels: short, and a dash where nothing is known."""

from __future__ import annotations

UNKNOWN = "–"


def short(value: float | None, digits: int = 1) -> str:
    """Return 12,345 or 12.3; a small number keeps two significant digits instead of becoming 0."""
    if value is None:
        return UNKNOWN
    if value and abs(value) < 10**-digits:
        return f"{value:.2g}"
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float | None) -> str:
    """Return a share of 0..1 as 12.3%; small ones keep their first digits."""
    return UNKNOWN if share is None else f"{short(100 * share)}%"


def words(name: str | None) -> str:
    """Return a stored word such as never_adopted as people read it."""
    return name.replace("_", " ") if name else UNKNOWN
