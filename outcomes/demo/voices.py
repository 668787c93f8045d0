"""Evidence and surveys: who said what about which problem, and when."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from outcomes.demo.chance import dice
from outcomes.demo.customers import DemoCustomer
from outcomes.demo.problems import ASIDES, HEARSAY, OPINIONS, PROBLEMS, VOTES, DemoProblem

_SPOKEN = ("ticket", "ticket", "ticket", "interview", "interview", "call", "call", "review")
_EARLIEST, _LATEST = -530, -2


@dataclass(frozen=True, slots=True)
class DemoEvidence:
    """One piece; `on` in days from the day of loading, `customer` empty when it is nobody's in particular."""

    id: str
    problem: str
    customer: str
    kind: str
    quote: str
    source_url: str
    on: int
    importance: int


@dataclass(frozen=True, slots=True)
class DemoSurvey:
    problem: str
    segment: str
    on: int
    respondents: int
    importance_top2: int
    satisfaction_top2: int


def surveys() -> list[DemoSurvey]:
    return [DemoSurvey(problem.key, *told) for problem in PROBLEMS for told in problem.surveys]


def evidence(customers: list[DemoCustomer]) -> list[DemoEvidence]:
    """Every piece, in the order of the problems; nobody is quoted twice with the same words."""
    pieces: list[DemoEvidence] = []
    for problem in PROBLEMS:
        used: set[str] = set()
        for index in range(problem.pieces):
            pieces.append(_piece(problem, index, customers, used))
    return pieces


def _piece(problem: DemoProblem, index: int, customers: list[DemoCustomer], used: set[str]) -> DemoEvidence:
    falls = dice("evidence", problem.key, index)
    kind = _kind(problem, index, falls)
    on = falls.randint(_EARLIEST, _LATEST)
    there = [customer for customer in customers if customer.since <= on < customer.until]
    is_of_nobody = kind in ("analytics", "experiment", "opinion")
    customer = "" if is_of_nobody else falls.choice(there).key
    quote = _quote(problem, index, kind, falls, used)
    used.add(quote)
    url = f"https://desk.ledgerline.example/tickets/{falls.randint(3000, 9999)}" if kind == "ticket" else ""
    importance = min(3, max(0, round(falls.gauss(1 + 2 * problem.severity, 0.8))))
    return DemoEvidence(
        f"{problem.key}-{index + 1:02}", problem.key, customer, kind, quote, url, on, importance
    )


def _kind(problem: DemoProblem, index: int, falls: Random) -> str:
    """The first pieces are what was measured, if anything was; the rest is mostly what people said."""
    if index < len(problem.measured):
        is_test = problem.measured[index].startswith(("Test of", "Session test"))
        return "experiment" if is_test else "analytics"
    drawn = falls.random()
    if drawn < 0.12:
        return "vote"
    if drawn < 0.18:
        return "opinion"
    if drawn < 0.26:
        return "survey"
    return falls.choice(_SPOKEN)


def _quote(problem: DemoProblem, index: int, kind: str, falls: Random, used: set[str]) -> str:
    """Words that were not used yet; votes and opinions may well repeat each other."""
    if index < len(problem.measured):
        return problem.measured[index]
    quote = _words(problem, kind, falls)
    for _ in range(200):
        if quote not in used or kind in ("vote", "opinion"):
            break
        quote = _words(problem, kind, falls)
    return quote


def _words(problem: DemoProblem, kind: str, falls: Random) -> str:
    if kind == "vote":
        return falls.choice(VOTES)
    if kind == "opinion":
        return falls.choice(OPINIONS)
    said = falls.choice(problem.said)
    if kind == "survey":
        return falls.choice(HEARSAY).format(said)
    return f"{said} {falls.choice(ASIDES).format(n=falls.randint(2, 40))}".strip()
