"""Chance that comes out the same every time."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from itertools import pairwise
from random import Random

SEED = "ledgerline"


def number(*parts: object) -> int:
    """A 64-bit number that belongs to these parts alone."""
    text = "\x1f".join(str(part) for part in (SEED, *parts))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def fraction(*parts: object) -> float:
    """A number in [0, 1) that belongs to these parts alone."""
    return number(*parts) / 2**64


def dice(*parts: object) -> Random:
    """Dice that fall the same way for the same parts."""
    return Random(number(*parts))  # noqa: S311  a story, not a secret: it must be repeatable


def on_curve(points: Sequence[tuple[int, float]], at: int) -> float:
    """The height at `at` of the line through `points` (x ascending); flat outside of them."""
    if at <= points[0][0]:
        return points[0][1]
    for (left, low), (right, high) in pairwise(points):
        if at <= right:
            return low + (high - low) * (at - left) / (right - left)
    return points[-1][1]
