"""How the insights into what happened lately, and how far the numbers are behind it, read as pages."""

from __future__ import annotations

from outcomes.admin.insights.cells import Column, Sheet, moment, number, text, to, word
from outcomes.admin.insights.sheets.columns import numbers

FRESHNESS = Sheet(
    "Freshness",
    "How far are the numbers behind what came in?",
    [
        ("Behind, in seconds", number("lag_seconds")),
        ("Deliveries that wait", number("deliveries_pending", 0)),
        ("Set aside", number("set_aside", 0)),
        ("Computations that wait", number("marks_pending", 0)),
        ("Last received", moment("last_received_at")),
    ],
    [Column("Work", word("kind")), *numbers(("Waits", number("waiting", 0)))],
    "Nothing waits: every number shows all that came in.",
)


SOURCES = Sheet(
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
        *numbers(("Days behind", number("days_behind", 0))),
        Column("Last heard", moment("last_seen_at")),
        *numbers(
            ("Waiting", number("waiting", 0)),
            ("Set aside", number("set_aside", 0)),
            ("Items", number("items", 0)),
        ),
    ],
    "There is no source yet. Add one, and point a library at its address.",
)


WEEK = Sheet(
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
        *numbers(("Change", number("change"))),
    ],
    "Nothing happened in the last seven days.",
)
