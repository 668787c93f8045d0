"""How each insight reads as a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from outcomes.admin.insights.cells import Column, Sheet, moment, number, share, text, to, word
from roadmap.admin.numbers import UNKNOWN, percent, short, words


def _numbers(*columns: tuple[str, Callable[[Any], str]]) -> list[Column]:
    return [Column(title, show, is_number=True) for title, show in columns]


def _interval(show: Callable[[float | None], str] = percent) -> Callable[[Any], str]:
    def shown(row: Any) -> str:
        return UNKNOWN if row.low is None else f"{show(row.low)} to {show(row.high)}"

    return shown


_ITEM_BY_ID = Column("Feature", text("title"), to("item", "id"))
_ITEM_BY_KEY = Column("Feature", text("title"), to("item", "item"))
_ITEM_BY_ITEM_ID = Column("Feature", text("title"), to("item", "item_id"))

_PROBLEMS = Sheet(
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
        *_numbers(
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


_WISHES = Sheet(
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

_UNUSED = Sheet(
    "Not used, and what it costs",
    "Which features does nobody or too few use, since when, and what do they still cost in tickets?",
    [
        ("Never adopted", number("never_adopted", 0)),
        ("Abandoned", number("abandoned", 0)),
        ("Under-used", number("under_used", 0)),
        ("Person-months that went into them", number("effort")),
        ("Tickets of 90 days that named them", number("tickets", 0)),
    ],
    [
        _ITEM_BY_ID,
        Column("Verdict", word("verdict"), is_badge=True),
        *_numbers(
            ("Active", number("active", 0)), ("Eligible", number("eligible", 0)), ("Share", share("share"))
        ),
        Column("Since", text("since")),
        *_numbers(
            ("Days", number("days", 0)), ("Effort", number("effort")), ("Tickets", number("tickets", 0))
        ),
        Column("Last ticket", text("last_ticket_on")),
    ],
    "Every feature that can be judged is used.",
)

_OUTCOMES = Sheet(
    "Outcomes: hits and pace",
    "Which outcomes were hit, and will those still due be?",
    [
        ("Hit rate", share("hit_rate")),
        ("95% interval", _interval()),
        ("Due or decided", number("due_or_decided", 0)),
        ("Missed", number("missed", 0)),
        ("Behind", number("behind", 0)),
        ("On pace", number("on_pace", 0)),
        ("Not known", number("unknown", 0)),
        ("Median pace", number("median_pace", 2)),
    ],
    [
        _ITEM_BY_KEY,
        Column("Metric", text("metric"), to("metric", "metric")),
        Column("State", word("state"), is_badge=True),
        *_numbers(
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

_BETS = Sheet(
    "Expected against realised",
    "Which bets turned out worse or better than they were ranked? Those that fell furthest behind come first.",
    [
        ("Released", number("released", 0)),
        ("With both values", number("compared", 0)),
        ("Rank correlation", number("rank_correlation", 2)),
    ],
    [
        _ITEM_BY_ID,
        Column("Released", text("released_on")),
        *_numbers(
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

_FRESHNESS = Sheet(
    "Freshness",
    "How far are the numbers behind what came in?",
    [
        ("Behind, in seconds", number("lag_seconds")),
        ("Deliveries that wait", number("deliveries_pending", 0)),
        ("Set aside", number("set_aside", 0)),
        ("Computations that wait", number("marks_pending", 0)),
        ("Last received", moment("last_received_at")),
    ],
    [Column("Work", word("kind")), *_numbers(("Waits", number("waiting", 0)))],
    "Nothing waits: every number shows all that came in.",
)

_SOURCES = Sheet(
    "Sources",
    "Which sources still report?",
    [
        ("Sources", number("sources", 0)),
        ("Fresh", number("fresh", 0)),
        ("Silent", number("silent", 0)),
        ("Never heard", number("never_seen", 0)),
    ],
    [
        Column("Source", text("name"), to("source", "id")),
        Column("Kind", word("kind")),
        Column("State", word("state"), is_badge=True),
        Column("Newest covered day", text("last_covered_on")),
        *_numbers(("Days behind", number("days_behind", 0))),
        Column("Last heard", moment("last_seen_at")),
        *_numbers(
            ("Waiting", number("waiting", 0)),
            ("Set aside", number("set_aside", 0)),
            ("Items", number("items", 0)),
        ),
    ],
    "There is no source yet. Add one, and point a library at its address.",
)

_EXPOSURES = Sheet(
    "Shown but not used",
    "Which items does a flag show to people while nobody is known to use them?",
    [("Shown", number("exposed", 0)), ("Without use", number("without_use", 0))],
    [
        _ITEM_BY_ID,
        Column("Status", word("status")),
        *_numbers(("Evaluated on", number("on", 0)), ("off", number("off", 0))),
        Column("Last on", text("last_on")),
        Column("Verdict", word("verdict"), is_badge=True),
        *_numbers(("Active", number("active", 0))),
    ],
    "Nothing that a flag shows is without use.",
)

_ASKERS = Sheet(
    "Asked but not using",
    "Which customers asked for something and do not use what was released for it? They may not know of it.",
    [
        ("Customers", number("customers_not_using", 0)),
        ("Their revenue a month", number("mrr_not_using", 0)),
        ("Pairs of item and customer", number("asked", 0)),
        ("Of those not using", number("not_using", 0)),
        ("Items whose users are not known", number("items_without_customers", 0)),
    ],
    [
        Column("Customer", text("name"), to("customer", "customer")),
        Column("Segment", text("segment")),
        *_numbers(("Revenue", number("mrr", 0))),
        _ITEM_BY_ITEM_ID,
        Column("Released", text("released_on")),
        Column("Asked for", text("problem"), to("problem", "problem")),
        *_numbers(("Importance", number("importance", 0))),
        Column("Asked on", text("asked_on")),
        Column("Last used", text("last_used_on")),
    ],
    "Whoever asked for something that is released uses it, as far as is known.",
)

_REGRET = Sheet(
    "Flag regret",
    "How many flags said too much: their item came back by itself, or late data showed that it always was used?",
    [
        ("Flags about use", number("flags", 0)),
        ("Closed", number("closed", 0)),
        ("Came back", number("came_back", 0)),
        ("Corrected by late data", number("corrected", 0)),
        ("of all where sunset was advised", number("sunset_was_advised", 0)),
        ("Rate", share("rate")),
        ("95% interval", _interval()),
    ],
    [
        Column("Feature", text("title"), to("item", "item")),
        Column("Flag", word("reason"), to("flag", "id")),
        Column("Suggested", word("recommendation")),
        Column("Opened", text("opened_on")),
        Column("Resolved", text("resolved_on")),
        *_numbers(("Days open", number("days_open", 0))),
        Column("Cause", word("cause")),
        Column("Verdict now", word("verdict"), is_badge=True),
        *_numbers(("Active", number("active", 0)), ("Share", share("share"))),
    ],
    "No flag had to be taken back.",
)


def _worsened(row: Any) -> str:
    return {True: "worsened", False: "held", None: "not known yet"}[row.has_worsened]


_SUNSETS = Sheet(
    "After removal",
    "Did anything worsen after a feature was taken away? Directional: what else happened is not taken out.",
    [
        ("Features", number("items", 0)),
        ("Metrics", number("metrics", 0)),
        ("Worsened", number("worsened", 0)),
        ("Held", number("held", 0)),
        ("Not known yet", number("unknown", 0)),
    ],
    [
        _ITEM_BY_ITEM_ID,
        Column("Removed", text("sunset_on")),
        Column("Metric", text("metric"), to("metric", "metric")),
        Column("Role", word("role")),
        Column("It has", _worsened, is_badge=True),
        *_numbers(
            ("Before", number("before", 2)),
            ("After", number("after", 2)),
            ("Difference", number("difference", 2)),
            ("Relative", share("relative")),
            ("Days after", number("after_days", 0)),
        ),
    ],
    "No feature that was to move a metric has been taken away.",
)


def _measured(row: Any) -> str:
    if row.value is None:
        return UNKNOWN
    return short(row.value, 2) if row.measure == "reach_ratio" else percent(row.value)


def _measured_interval(row: Any) -> str:
    return _interval(percent if row.measure == "hit_rate" else lambda value: short(value, 2))(row)


_CALIBRATION = Sheet(
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
        *_numbers(("Items", number("items", 0)), ("Value", _measured), ("Range", _measured_interval)),
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


_PORTFOLIO = Sheet(
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
        *_numbers(
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

_WEEK = Sheet(
    "This week",
    "What changed in the last seven days?",
    [
        ("Since", text("first_on")),
        ("Released", number("released", 0)),
        ("Flags opened", number("flags_opened", 0)),
        ("Flags closed", number("flags_closed", 0)),
        ("Verdicts changed", number("verdicts", 0)),
        ("Values moved", number("values", 0)),
        ("Pieces of evidence", number("evidence", 0)),
    ],
    [
        Column("On", text("on")),
        Column("What", word("kind"), is_badge=True),
        Column("About", text("title"), lambda row: (row.subject_type, row.subject)),
        Column("Before", word("before")),
        Column("After", word("after")),
        *_numbers(("Change", number("change"))),
    ],
    "Nothing happened in the last seven days.",
)

SHEETS: Mapping[str, Sheet] = {
    "problems": _PROBLEMS,
    "wish-list": _WISHES,
    "unused": _UNUSED,
    "outcomes": _OUTCOMES,
    "expected-against-realised": _BETS,
    "freshness": _FRESHNESS,
    "sources": _SOURCES,
    "exposure-without-use": _EXPOSURES,
    "asked-but-not-using": _ASKERS,
    "flag-regret": _REGRET,
    "sunset-check": _SUNSETS,
    "calibration": _CALIBRATION,
    "portfolio": _PORTFOLIO,
    "this-week": _WEEK,
}
