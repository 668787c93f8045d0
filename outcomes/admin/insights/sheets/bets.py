"""How the insights into what was bet on, and what came of it, read as pages."""

from __future__ import annotations

from typing import Any

from outcomes.admin.insights.cells import Column, Sheet, number, share, text, to, word
from outcomes.admin.insights.sheets.columns import ITEM_BY_ID, ITEM_BY_KEY, interval, numbers
from roadmap.admin.numbers import UNKNOWN, percent, short, words

PROBLEMS = Sheet(
    "Problems, with and without items",
    "What do customers struggle with most, and which of it is nobody working on?",
    [
        ("Problems", number("problems", 0)),
        ("Without an item", number("without_items", 0)),
        ("Demand", number("demand")),
        ("Demand without an item", number("demand_without_items")),
        ("Revenue at stake without an item", number("revenue_without_items", 0)),
    ],
    [
        Column("Problem", text("title"), to("problem", "id")),
        *numbers(
            ("Demand", number("demand")),
            ("Revenue at stake", number("revenue_at_stake", 0)),
            ("Opportunity", number("opportunity")),
            ("Customers", number("customers", 0)),
            ("Items", number("items", 0)),
            ("Released", number("released_items", 0)),
        ),
    ],
    "No problem has been written down yet. Start with what customers struggle with.",
)


def _lacks(row: Any) -> str:
    lacking = [
        name
        for name, is_lacking in (("problem", row.lacks_problem), ("outcome", row.lacks_outcome))
        if is_lacking
    ]
    return " and ".join(lacking)


WISHES = Sheet(
    "Wish list",
    "Which items are for no problem or were to move nothing? What they lack can be added on their page.",
    [
        ("Items", number("items", 0)),
        ("Wishes", number("wishes", 0)),
        ("Without a problem", number("without_problem", 0)),
        ("Without an outcome", number("without_outcome", 0)),
        ("Ratio", share("ratio")),
    ],
    [
        Column("Item", text("title"), to("item", "id")),
        Column("Status", word("status")),
        Column("Lacks", _lacks),
        Column("It may be for", lambda row: "; ".join(one.title for one in row.suggestions) or UNKNOWN),
    ],
    "Every item is for a problem and was to move something.",
)


OUTCOMES = Sheet(
    "Outcomes: hits and pace",
    "Which outcomes were hit, and will those still due be?",
    [
        ("Hit rate", share("hit_rate")),
        ("95% interval", interval()),
        ("Due or decided", number("due_or_decided", 0)),
        ("Missed", number("missed", 0)),
        ("Behind", number("behind", 0)),
        ("On pace", number("on_pace", 0)),
        ("Not known", number("unknown", 0)),
        ("Median pace", number("median_pace", 2)),
    ],
    [
        ITEM_BY_KEY,
        Column("Metric", text("metric"), to("metric", "metric")),
        Column("State", word("state"), is_badge=True),
        *numbers(
            ("Baseline", number("baseline", 2)),
            ("Current", number("current", 2)),
            ("Target", number("target", 2)),
            ("Attained", share("attainment")),
            ("Pace", number("pace", 2)),
        ),
        Column("Due", text("due_on")),
    ],
    "No released item was to move anything yet.",
)


BETS = Sheet(
    "Expected against realised",
    "Which bets turned out worse or better than they were ranked? Those that fell furthest behind come first.",
    [
        ("Released", number("released", 0)),
        ("With both values", number("compared", 0)),
        ("Rank correlation", number("rank_correlation", 2)),
    ],
    [
        ITEM_BY_ID,
        Column("Released", text("released_on")),
        *numbers(
            ("Expected", number("expected")),
            ("its rank", number("expected_rank")),
            ("Realised", number("realised")),
            ("its rank ", number("realised_rank")),
            ("Ranks gained", number("rank_difference")),
            ("Proven", number("proven")),
            ("Coverage", share("coverage")),
        ),
    ],
    "No released item has both values yet.",
)


def _measured(row: Any) -> str:
    if row.value is None:
        return UNKNOWN
    return short(row.value, 2) if row.measure == "reach_ratio" else percent(row.value)


def _measured_interval(row: Any) -> str:
    return interval(percent if row.measure == "hit_rate" else lambda value: short(value, 2))(row)


CALIBRATION = Sheet(
    "How well we foretell",
    "How does the reach that was estimated compare with the reach that came, and how often do bets of each"
    " confidence hit? A ratio of 1 is right; below 8 items nothing is said. Your own items are shown to you alone.",
    [
        ("Released", number("released", 0)),
        ("With a reach to compare", number("with_reach", 0)),
        ("With a due outcome", number("with_outcome", 0)),
    ],
    [
        Column("Whose", lambda row: "yours" if row.scope == "owner" else row.product or "of no product"),
        Column("Measure", word("measure")),
        Column("Confidence", word("confidence")),
        *numbers(("Items", number("items", 0)), ("Value", _measured), ("Range", _measured_interval)),
        Column("Which range", text("interval")),
    ],
    "No item has been released yet.",
)


def _movements(row: Any) -> str:
    told = []
    for one in row.items:
        shared = (
            f", shared with {', '.join(other.title for other in one.shared_with)}" if one.shared_with else ""
        )
        told.append(f"{one.title} ({words(one.verdict)}{shared})")
    return "; ".join(told)


PORTFOLIO = Sheet(
    "Moved so far",
    "What did all items together move of each metric? One movement counts once; sums are shrunk, because what"
    " was picked for its size was partly luck. Below 6 movements no shrunk sum is told.",
    [
        ("Decided effects", number("effects", 0)),
        ("Movements", number("movements", 0)),
        ("Metrics", number("metrics", 0)),
    ],
    [
        Column("Metric", text("name"), to("metric", "metric")),
        Column("Series", text("series")),
        Column("Unit", lambda row: f"{row.unit} a {row.per}".strip()),
        *numbers(
            ("Movements", number("movements", 0)),
            ("Better", number("better", 0)),
            ("Worse", number("worse", 0)),
            ("Sum", number("sum_raw", 2)),
            ("Shrunk", number("sum_shrunk", 2)),
        ),
        Column("Of", _movements),
    ],
    "No effect has been decided yet.",
)
