"""How often an effect is told where nothing happened, how often what did is seen, and what that costs.

    .venv/bin/python -m benchmarks.effects [--series 4000] [--seed 1] [--growth 0 0.01 0.02]
    .venv/bin/python -m benchmarks.effects --design comparison [--series 4000] [--seed 1]

The first is before/after, the second a metric that follows one control and has noise of its own: AR(1), and in
cells of their own white noise beside a random walk that the control does not explain, as large and a third as large.

Prints a row a cell with the seed it can be repeated with. Exits 1 when a cell misses the bar: at most 7% false
verdicts in each, at least 85% power at 182 + 28 days and 55% at 56 + 28 (phi 0.5, innovations of 3, shift 5).
With few series the bar is widened by three standard errors. Of the power of a comparison no bar is told, nor of the
fainter walk: in a few weeks it hardly differs from noise, and what leaves 7% there sees nothing elsewhere.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import product
from math import sqrt

from benchmarks.simulated import Cell, controls_of, series_of
from outcomes.formulas.effects import before_after, comparison
from outcomes.formulas.effects.series import Window

SPANS = ((56, 28), (28, 28), (182, 28))
PHIS = (0.0, 0.5, 0.8)
GROWTHS = (0.0, 0.01, 0.02)
MOST_FALSE = 0.07
# Of a comparison; the steps of the walk against the noise, and whether the bar is held.
WALKS = ((1.0, True), (0.3, False))
LEAST_POWER = {(182, 28): 0.85, (56, 28): 0.55}
SHIFT = 5.0


def verdicts(cell: Cell, count: int, seed: int, design: str = "before_after") -> Iterator[str]:
    """Yield the verdict on each series of a cell, for a metric that should rise."""
    positions = tuple(range(cell.days))
    seasons = tuple(day % 7 for day in positions)
    if design == "comparison":
        controls = controls_of(cell, count, seed)
        for values, control in zip(series_of(cell, count, seed) + controls, controls, strict=True):
            window = Window(positions, tuple(values), seasons, cell.before, control[:, None])
            found = comparison.judged(window, "increase")
            assert found is not None
            yield found[1]
        return
    for values in series_of(cell, count, seed):
        told = before_after.judged(Window(positions, tuple(values), seasons, cell.before), "increase")
        assert told is not None
        yield told[1]


def false_share(cell: Cell, count: int, seed: int, design: str = "before_after") -> float:
    """Return the share of better and worse where nothing happened."""
    return sum(verdict != "inconclusive" for verdict in verdicts(cell, count, seed, design)) / count


def power(cell: Cell, count: int, seed: int, design: str = "before_after") -> float:
    """Return the share of better where the release added something."""
    return sum(verdict == "better" for verdict in verdicts(cell, count, seed, design)) / count


def doubt(share: float, count: int) -> float:
    """Three standard errors of a share: what chance alone may add to it."""
    return 3.0 * sqrt(share * (1.0 - share) / count)


def main(arguments: Sequence[str] | None = None) -> int:
    said = _parser().parse_args(arguments)
    missed = _false_verdicts(said.series, said.seed, said.design, said.growth)
    missed += _powers(said.series, said.seed, said.design)
    return 1 if missed else 0


def _false_verdicts(count: int, seed: int, design: str, growths: Sequence[float]) -> int:
    """Print the share of false verdicts a cell, and return how many cells miss the bar."""
    print(f"{design}: {count} series a cell, seed {seed}; false verdicts at most {MOST_FALSE:.0%}")
    print("before + after   phi  growth  walk    false   ms a series")
    # A control says what growth there is; a comparison has no trend of its own.
    told = growths if design == "before_after" else [0.0]
    cells = [(Cell(*span, phi, growth), True) for span, phi, growth in product(SPANS, PHIS, told)]
    if design == "comparison":
        cells += [(Cell(*span, 0.0, walk=walk), is_held) for (walk, is_held), span in product(WALKS, SPANS)]
    return sum(_is_missed(cell, count, seed, design, is_held=is_held) for cell, is_held in cells)


def _is_missed(cell: Cell, count: int, seed: int, design: str, *, is_held: bool) -> bool:
    began = time.process_time()
    share = false_share(cell, count, seed, design)
    spent = 1000 * (time.process_time() - began) / count
    is_missed = is_held and share > MOST_FALSE + (doubt(MOST_FALSE, count) if count < 4000 else 0)
    mark = "  MISSED" if is_missed else "" if is_held else "  no bar"
    print(
        f"{cell.before:6} + {cell.after:<5} {cell.phi:5} {cell.growth:7.0%} {cell.walk:5} {share:8.2%}"
        f" {spent:10.2f}{mark}",
        flush=True,
    )
    return is_missed


def _powers(count: int, seed: int, design: str) -> int:
    """Print how often a shift is seen, and return how many spans miss their bar."""
    missed = 0
    print(f"power at phi 0.5, innovations of 3, shift {SHIFT:g}")
    for (before, after), least in LEAST_POWER.items():
        seen = power(Cell(before, after, 0.5, shift=SHIFT), count, seed, design)
        bar = least - (doubt(least, count) if count < 4000 else 0)
        is_missed = design == "before_after" and seen < bar
        missed += is_missed
        wanted = f", at least {least:.0%}" if design == "before_after" else ""
        print(f"{before:6} + {after:<5} {seen:8.1%}{wanted}{'  MISSED' if is_missed else ''}", flush=True)
    return missed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--series", type=int, default=4000, help="series a cell")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--design", choices=("before_after", "comparison"), default="before_after")
    parser.add_argument(
        "--growth", type=float, nargs="+", default=list(GROWTHS), help="parts of the level a week"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
