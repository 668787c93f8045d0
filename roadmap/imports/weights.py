"""What the links of a file weigh beside the links that stand already. Knows no Django."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_DIGITS = 9
"""1 - 0.7 is 0.30000000000000004; what is left is rounded to this many digits."""
_NOISE = 1e-9
_SMALLEST = 1e-8
"""A share below this is nothing: it would round to no weight at all."""


@dataclass(frozen=True, slots=True)
class WantedLink:
    """A line of the file for one item; a weight of None asks for what the other links leave."""

    line: int
    problem_id: int
    weight: float | None


@dataclass(frozen=True, slots=True)
class Weighed:
    """The weight of each line that can be had, and why the others cannot."""

    weights: dict[int, float]
    refused: dict[int, str]


def weigh_links(wanted: Sequence[WantedLink], standing: Mapping[int, float]) -> Weighed:
    """Give the links of one item their weights: with the standing ones they sum to at most 1.

    `wanted` is in the order of the file; `standing` is weight by problem, and a line for the same problem
    replaces it. Of several lines that are too much together, the later ones are refused. Blank weights share
    equally what all others leave of 1.
    """
    refused: dict[int, str] = {}
    while True:
        kept = [link for link in wanted if link.line not in refused]
        replaced = {link.problem_id for link in kept}
        rest = 1 - sum(weight for problem_id, weight in standing.items() if problem_id not in replaced)
        more = _too_much(kept, rest, standing)
        if not more:
            break
        refused |= more
    explicit = {link.line: link.weight for link in kept if link.weight is not None}
    blank = [link for link in kept if link.weight is None]
    share = round((rest - sum(explicit.values())) / len(blank), _DIGITS) if blank else 0
    return Weighed({**explicit, **{link.line: share for link in blank}}, refused)


def _too_much(kept: Sequence[WantedLink], rest: float, standing: Mapping[int, float]) -> dict[int, str]:
    """The lines that cannot be had when `rest` is there for all of them, with the reason.

    Ends at the first whose link stands already: its old weight stays, so everything is weighed again.
    """
    refused: dict[int, str] = {}
    for link in kept:
        if link.weight is None:
            continue
        if link.weight <= rest + _NOISE:
            rest -= link.weight
            continue
        refused[link.line] = "With the item's other links the weights sum to more than 1."
        if link.problem_id in standing:
            return refused
    blank = [link for link in kept if link.weight is None]
    if blank and rest / len(blank) < _SMALLEST:
        refused |= {link.line: "The item's other links leave nothing of 1." for link in blank}
    return refused
