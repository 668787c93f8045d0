"""From the text of one cell to a value. Each reader takes the text and raises `BadCell`. Knows no Django."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from math import isfinite
from urllib.parse import urlsplit

from roadmap.rules import KEY_LENGTH, LONG_TEXT, is_customer_key, is_key

Cell = str | int | float | Decimal | date | None
Reader = Callable[[str], Cell | tuple[Cell, ...]]

MAX_WHOLE = 2_147_483_647
"""What a PostgreSQL integer holds."""

_GUARDED = re.compile(r"'+[=+\-@\t\r]")
_DANGEROUS = re.compile(r"'*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,4})?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class BadCell(Exception):
    """Why a cell has no value: a code for programs and a sentence for people."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail
        super().__init__(detail)


def guard(text: str) -> str:
    """The text as an export writes it: one leading quote where a spreadsheet would see a formula.

    Text that already looks guarded gets one more, so that `unguard` always gives back what was exported.
    """
    return f"'{text}" if _DANGEROUS.match(text) else text


def unguard(text: str) -> str:
    """Strip exactly the one quote that `guard` put there."""
    return text[1:] if _GUARDED.match(text) else text


def clean(text: str) -> str:
    """The cell without an export's guard. Raises BadCell for characters that no cell may hold."""
    if "\x00" in text:
        raise BadCell("nul", "The cell holds a NUL character.")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise BadCell("not_utf8", "The cell is not UTF-8 text.")
    return unguard(text)


def line_of_text(longest: int) -> Reader:
    """Text on one line, trimmed."""

    def read(text: str) -> str:
        taken = text.strip()
        if len(taken) > longest:
            raise BadCell("too_long", f"Longer than {longest:,} characters.")
        return taken

    return read


def long_text(text: str) -> str:
    if len(text) > LONG_TEXT:
        raise BadCell("too_long", f"Longer than {LONG_TEXT:,} characters.")
    return text


def key(text: str) -> str:
    if not is_key(text.strip()):
        raise _bad_key("letters, digits, - and _")
    return text.strip()


def dotted_key(text: str) -> str:
    if not is_key(text.strip(), dotted=True):
        raise _bad_key("letters, digits, - and _, with single dots between them")
    return text.strip()


def customer_key(text: str) -> str:
    taken = text.strip()
    if not is_customer_key(taken):
        raise _bad_key("letters, digits and . _ : @ -")
    return taken


def reference(text: str) -> str:
    """The key or id of something that must be there already; whether it is, the import looks up."""
    taken = text.strip()
    if len(taken) > KEY_LENGTH:
        raise BadCell("too_long", f"Longer than {KEY_LENGTH:,} characters.")
    return taken


def one_of(*allowed: str) -> Reader:
    def read(text: str) -> str:
        taken = text.strip()
        if taken not in allowed:
            raise BadCell("invalid_choice", f"Must be one of {', '.join(allowed)}.")
        return taken

    return read


def number(text: str) -> float:
    """A finite number with a decimal point: no NaN, no infinity, nothing that overflows into one."""
    taken = text.strip()
    value = float(taken) if _NUMBER.fullmatch(taken) else None
    if value is None:
        raise BadCell("invalid", "Must be a number, such as 12.5.")
    if not isfinite(value):
        raise BadCell("out_of_range", "The number is too large.")
    return value


def whole(low: int, high: int = MAX_WHOLE) -> Reader:
    def read(text: str) -> int:
        taken = text.strip()
        if not _WHOLE.fullmatch(taken):
            raise BadCell("invalid", "Must be a whole number.")
        value = int(taken)
        if not low <= value <= high:
            raise BadCell("out_of_range", f"Must lie between {low:,} and {high:,}.")
        return value

    return read


def money(text: str) -> Decimal:
    """An amount of at least 0 with at most two decimals and fourteen digits before them."""
    taken = text.strip()
    if not _NUMBER.fullmatch(taken):
        raise BadCell("invalid", "Must be an amount, such as 420 or 420.50.")
    amount = Decimal(taken)
    if not 0 <= amount < Decimal(10) ** 14:
        raise BadCell("out_of_range", "Must be at least 0 and below a hundred trillion.")
    cents = amount.quantize(Decimal("0.01"))
    if cents != amount:
        raise BadCell("invalid", "At most two decimals.")
    return cents


def day(text: str) -> date:
    taken = text.strip()
    try:
        if not _DAY.fullmatch(taken):
            raise ValueError
        return date.fromisoformat(taken)
    except ValueError:
        raise BadCell("invalid", "Must be a day, written 2026-03-02.") from None


def web_address(text: str) -> str:
    """An http or https address: anything else would be a link that runs something when it is clicked."""
    taken = text.strip()
    if len(taken) > 2000:
        raise BadCell("too_long", "Longer than 2,000 characters.")
    try:
        parts = urlsplit(taken)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in parts.netloc
    except ValueError:
        is_address = False
    # A space after the host is common in files that people made, and harmless; control characters are not.
    if not is_address or not taken.isprintable():
        raise BadCell("invalid", "Must be an address that begins with http:// or https://.")
    return taken


def _bad_key(shape: str) -> BadCell:
    return BadCell(
        "invalid", f"A key is {shape}, at most {KEY_LENGTH}, not all digits and not the word bulk."
    )
