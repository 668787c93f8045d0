"""Which parents in a file can stand: they exist, and nothing is its own ancestor. Knows no Django."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_TOLD = 8
"""How many problems of a circle a complaint names."""


@dataclass(frozen=True, slots=True)
class WantedProblem:
    """A line of the file; `key` is the problem's, whichever way the file names its parent."""

    line: int
    key: str
    parent: str | None


def refuse_parents(wanted: Sequence[WantedProblem], standing: Mapping[str, str | None]) -> dict[int, str]:
    """Return why lines are refused, by line: a parent that is nowhere, or one that closes a circle.

    `standing` is each existing problem's parent, both as keys. A line replaces its problem's parent; of a
    circle the latest line is refused and its problem keeps the parent it had. Refusals can undo what others
    rest on, so everything is looked at again until nothing more falls.
    """
    refused: dict[int, str] = {}
    while True:
        kept = [problem for problem in wanted if problem.line not in refused]
        parents = {**standing, **{problem.key: problem.parent for problem in kept}}
        more = _without_parent(kept, parents, standing) or _closing_circles(kept, parents)
        if not more:
            return refused
        refused.update(more)


def _without_parent(
    kept: Sequence[WantedProblem], parents: Mapping[str, str | None], standing: Mapping[str, str | None]
) -> dict[int, str]:
    """The lines whose parent is nowhere, and those that hang on such a line alone."""
    children = defaultdict(list)
    for problem in kept:
        children[problem.parent].append(problem)
    fallen = [key for key in children if key is not None and key not in parents]
    refused = {}
    while fallen:
        key = fallen.pop()
        for problem in children[key]:
            detail = f"There is no problem {key!r}, neither in this workspace nor in the file."
            refused[problem.line] = detail
            if problem.key not in standing:
                fallen.append(problem.key)
    return refused


def _closing_circles(kept: Sequence[WantedProblem], parents: Mapping[str, str | None]) -> dict[int, str]:
    lines = {problem.key: problem.line for problem in kept}
    refused = {}
    for circle in _circles(parents):
        stated = [key for key in circle if key in lines]
        if stated:
            latest = max(stated, key=lines.__getitem__)
            refused[lines[latest]] = f"The problem would be its own ancestor: {_told(circle, latest)}."
    return refused


def _told(circle: list[str], first: str) -> str:
    """The circle from one of its problems around to it again; the middle of a long one is left out."""
    begin = circle.index(first)
    chain = [*circle[begin:], *circle[: begin + 1]]
    if len(chain) > _TOLD:
        chain = [*chain[: _TOLD - 2], f"{len(chain) - _TOLD + 1:,} more", chain[-1]]
    return " under ".join(chain)


def _circles(parents: Mapping[str, str | None]) -> list[list[str]]:
    """Every circle of the tree-to-be, each once: every problem has one parent, so a walk finds it."""
    circles: list[list[str]] = []
    walked: dict[str, str] = {}
    for start in parents:
        path: list[str] = []
        key: str | None = start
        while key is not None and key not in walked:
            walked[key] = start
            path.append(key)
            key = parents.get(key)
        if key is not None and walked[key] == start and key in path:
            circles.append(path[path.index(key) :])
    return circles
