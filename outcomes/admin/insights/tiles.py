"""Each insight as one number with the sentence behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from django.db.utils import OperationalError
from django.urls import reverse
from psycopg.errors import QueryCanceled

from outcomes.insights.asking import Question
from outcomes.insights.register import BY_NAME
from productops.workspaces.dashboard import Tile
from productops.workspaces.scope import Scope
from roadmap.admin.numbers import UNKNOWN, percent, short

# The first page waits for no longer than this; what is left by then says so instead of its number.
_PATIENCE_SECONDS = 3.0
_TOO_MUCH = "Too much to count on this page. It is told on its own."

# (number, sentence) of a summary.
Said = Callable[[Any], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class TileKind:
    title: str
    insight: str
    said: Said
    is_leading: bool = False


def _count(number: float, one: str, many: str = "") -> str:
    """3 flags, 1 flag."""
    return f"{short(number, 0)} {one if number == 1 else many or f'{one}s'}"


def _week(told: Any) -> tuple[str, str]:
    parts = [
        f"{told.released} released",
        _count(told.flags_opened, "flag opened", "flags opened"),
        _count(told.flags_closed, "closed", "closed"),
        _count(told.verdicts, "verdict changed", "verdicts changed"),
        _count(told.values, "value moved", "values moved"),
        _count(told.evidence, "piece of evidence", "pieces of evidence"),
    ]
    counts = (told.released, told.flags_opened, told.flags_closed, told.verdicts, told.values, told.evidence)
    return short(sum(counts), 0), f"things happened since {told.first_on}: {', '.join(parts)}."


def _unused(told: Any) -> tuple[str, str]:
    number = told.never_adopted + told.abandoned
    return short(number, 0), (
        f"{'feature is' if number == 1 else 'features are'} not used: {told.never_adopted} never were,"
        f" {told.abandoned} no longer. {told.under_used} more by too few."
    )


def _cost(told: Any) -> tuple[str, str]:
    return short(told.tickets, 0), (
        f"{'ticket' if told.tickets == 1 else 'tickets'} of the last 90 days named features that nobody or too"
        f" few use; {short(told.effort)} person-months went into them."
    )


def _problems(told: Any) -> tuple[str, str]:
    return short(told.without_items, 0), (
        f"of {_count(told.problems, 'problem')} {'has' if told.without_items == 1 else 'have'} no item: demand"
        f" {short(told.demand_without_items)}, {short(told.revenue_without_items, 0)} of revenue at stake."
    )


def _outcomes(told: Any) -> tuple[str, str]:
    if told.hit_rate is None:
        return UNKNOWN, f"No outcome is due or decided yet, of {told.outcomes}; {told.behind} are behind."
    return percent(told.hit_rate), (
        f"of {_count(told.due_or_decided, 'outcome')} due or decided were hit ({percent(told.low)} to"
        f" {percent(told.high)}); {_count(told.behind, 'more is', 'more are')} behind."
    )


def _sources(told: Any) -> tuple[str, str]:
    return f"{told.fresh} of {told.sources}", (
        f"{'source reports' if told.sources == 1 else 'sources report'} as expected; {told.silent} silent,"
        f" {told.never_seen} never heard."
    )


def _freshness(told: Any) -> tuple[str, str]:
    waiting = told.deliveries_pending + told.marks_pending
    if not waiting:
        rest = f"; {told.set_aside} deliveries were set aside" if told.set_aside else ""
        return "0 s", f"Every number shows all that came in{rest}."
    return f"{short(told.lag_seconds, 0)} s", f"behind what came in: {_count(waiting, 'piece')} of work wait."


def _askers(told: Any) -> tuple[str, str]:
    return short(told.customers_not_using, 0), (
        f"{'customer does' if told.customers_not_using == 1 else 'customers do'} not use what they asked for;"
        f" they pay {short(told.mrr_not_using, 0)} a month."
    )


def _wishes(told: Any) -> tuple[str, str]:
    return percent(told.ratio), (
        f"of {_count(told.items, 'item')} are wishes: {told.without_problem} for no problem,"
        f" {told.without_outcome} to move nothing."
    )


def _bets(told: Any) -> tuple[str, str]:
    told_of = f"{told.compared} of {_count(told.released, 'released item')} have both values"
    if told.rank_correlation is None:
        return UNKNOWN, f"{told_of}; a correlation takes 8."
    return short(told.rank_correlation, 2), f"correlates what was expected with what came of it; {told_of}."


def _exposures(told: Any) -> tuple[str, str]:
    return short(told.without_use, 0), (
        f"of {_count(told.exposed, 'item')} that a flag shows to people {'has' if told.without_use == 1 else 'have'}"
        " no known use."
    )


def _regret(told: Any) -> tuple[str, str]:
    number = told.came_back + told.corrected
    return short(number, 0), (
        f"of {_count(told.closed, 'closed flag')} about use said too much: {told.came_back} came back,"
        f" {told.corrected} never held."
    )


def _sunsets(told: Any) -> tuple[str, str]:
    return short(told.worsened, 0), (
        f"of {_count(told.metrics, 'metric')} of removed features worsened; {told.unknown} cannot be told yet."
    )


def _calibration(told: Any) -> tuple[str, str]:
    return short(told.with_reach, 0), (
        f"of {_count(told.released, 'released item')} can be held against the reach foretold for them,"
        f" {told.with_outcome} against their target."
    )


def _portfolio(told: Any) -> tuple[str, str]:
    return short(told.movements, 0), (
        f"{'movement' if told.movements == 1 else 'movements'} of {_count(told.metrics, 'metric')} stand behind"
        f" {_count(told.effects, 'decided effect')}."
    )


TILES = (
    TileKind("This week", "this-week", _week, True),
    TileKind("Not used", "unused", _unused, True),
    TileKind("Problems without items", "problems", _problems, True),
    TileKind("Outcomes hit", "outcomes", _outcomes, True),
    TileKind("Carrying cost", "unused", _cost, True),
    TileKind("Sources", "sources", _sources, True),
    TileKind("Asked but not using", "asked-but-not-using", _askers),
    TileKind("Wish list", "wish-list", _wishes),
    TileKind("Expected against realised", "expected-against-realised", _bets),
    TileKind("Shown but not used", "exposure-without-use", _exposures),
    TileKind("Flag regret", "flag-regret", _regret),
    TileKind("After removal", "sunset-check", _sunsets),
    TileKind("How well we foretell", "calibration", _calibration),
    TileKind("Moved so far", "portfolio", _portfolio),
    TileKind("Freshness", "freshness", _freshness),
)


def tiles_of(scope: Scope) -> Sequence[Tile]:
    """The numbers of the workspace in hand; a constant number of queries, and a bounded time."""
    if scope.workspace is None:
        return []
    told = _summaries(Question(scope.workspace, 0))
    return [_tile(kind, told[kind.insight]) for kind in TILES]


def _summaries(question: Question) -> Mapping[str, Any]:
    """Every insight's summary by name; None of those that would keep the page waiting."""
    found: dict[str, Any] = {}
    until = monotonic() + _PATIENCE_SECONDS
    for name, insight in BY_NAME.items():
        found[name] = None
        if monotonic() < until:
            try:
                found[name] = insight.room(question).summary
            except OperationalError as error:
                if not isinstance(error.__cause__, QueryCanceled):
                    raise
    return found


def _tile(kind: TileKind, summary: Any) -> Tile:
    number, sentence = (UNKNOWN, _TOO_MUCH) if summary is None else kind.said(summary)
    url = reverse("admin:insight", args=[kind.insight])
    return Tile(kind.title, number, sentence, url, kind.is_leading)
