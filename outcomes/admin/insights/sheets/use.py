"""How the insights into who uses what, and who does not, read as pages."""

from __future__ import annotations

from typing import Any

from outcomes.admin.insights.cells import Column, Sheet, number, share, text, to, word
from outcomes.admin.insights.sheets.columns import ITEM_BY_ID, ITEM_BY_ITEM_ID, interval, numbers

UNUSED = Sheet(
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
        ITEM_BY_ID,
        Column("Verdict", word("verdict"), is_badge=True),
        *numbers(
            ("Active", number("active", 0)), ("Eligible", number("eligible", 0)), ("Share", share("share"))
        ),
        Column("Since", text("since")),
        *numbers(
            ("Days", number("days", 0)), ("Effort", number("effort")), ("Tickets", number("tickets", 0))
        ),
        Column("Last ticket", text("last_ticket_on")),
    ],
    "Every feature that can be judged is used.",
)


EXPOSURES = Sheet(
    "Shown but not used",
    "Which items does a flag show to people while nobody is known to use them?",
    [("Shown", number("exposed", 0)), ("Without use", number("without_use", 0))],
    [
        ITEM_BY_ID,
        Column("Status", word("status")),
        *numbers(("Evaluated on", number("on", 0)), ("off", number("off", 0))),
        Column("Last on", text("last_on")),
        Column("Verdict", word("verdict"), is_badge=True),
        *numbers(("Active", number("active", 0))),
    ],
    "Nothing that a flag shows is without use.",
)


ASKERS = Sheet(
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
        *numbers(("Revenue", number("mrr", 0))),
        ITEM_BY_ITEM_ID,
        Column("Released", text("released_on")),
        Column("Asked for", text("problem"), to("problem", "problem")),
        *numbers(("Importance", number("importance", 0))),
        Column("Asked on", text("asked_on")),
        Column("Last used", text("last_used_on")),
    ],
    "Whoever asked for something that is released uses it, as far as is known.",
)


REGRET = Sheet(
    "Flag regret",
    "How many flags said too much: their item came back by itself, or late data showed that it always was used?",
    [
        ("Flags about use", number("flags", 0)),
        ("Closed", number("closed", 0)),
        ("Came back", number("came_back", 0)),
        ("Corrected by late data", number("corrected", 0)),
        ("of all where sunset was advised", number("sunset_was_advised", 0)),
        ("Rate", share("rate")),
        ("95% interval", interval()),
    ],
    [
        Column("Feature", text("title"), to("item", "item")),
        Column("Flag", word("reason"), to("flag", "id")),
        Column("Suggested", word("recommendation")),
        Column("Opened", text("opened_on")),
        Column("Resolved", text("resolved_on")),
        *numbers(("Days open", number("days_open", 0))),
        Column("Cause", word("cause")),
        Column("Verdict now", word("verdict"), is_badge=True),
        *numbers(("Active", number("active", 0)), ("Share", share("share"))),
    ],
    "No flag had to be taken back.",
)


def _worsened(row: Any) -> str:
    return {True: "worsened", False: "held", None: "not known yet"}[row.has_worsened]


SUNSETS = Sheet(
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
        ITEM_BY_ITEM_ID,
        Column("Removed", text("sunset_on")),
        Column("Metric", text("metric"), to("metric", "metric")),
        Column("Role", word("role")),
        Column("It has", _worsened, is_badge=True),
        *numbers(
            ("Before", number("before", 2)),
            ("After", number("after", 2)),
            ("Difference", number("difference", 2)),
            ("Relative", share("relative")),
            ("Days after", number("after_days", 0)),
        ),
    ],
    "No feature that was to move a metric has been taken away.",
)
