"""The columns of the roadmap's files. Knows no Django."""

from __future__ import annotations

from typing import cast

from roadmap.imports.cells import (
    BadCell,
    Cell,
    customer_key,
    day,
    key,
    line_of_text,
    long_text,
    money,
    number,
    one_of,
    reference,
    web_address,
    whole,
)
from roadmap.imports.tables import Column, Table, Values
from roadmap.rules import (
    EVIDENCE_KINDS,
    EXEMPT,
    EXEMPTION_REASONS,
    HORIZONS,
    ITEM_KINDS,
    MOST_IMPORTANT,
    STATUSES,
    USAGE_POLICIES,
    Complaint,
    problems_with_item,
    problems_with_survey,
)


def usage_policy(text: str) -> tuple[Cell, ...]:
    """`normal`, `mandatory`, or `exempt:` with its reason. Returns the policy and the reason.

    `exempt` alone leaves the reason that an item already has.
    """
    policy, _, reason = (part.strip() for part in text.partition(":"))
    if policy not in USAGE_POLICIES:
        raise BadCell("invalid_choice", f"Must be one of {', '.join(USAGE_POLICIES)}.")
    if reason and (policy != EXEMPT or reason not in EXEMPTION_REASONS):
        allowed = ", ".join(f"exempt:{allowed}" for allowed in EXEMPTION_REASONS)
        raise BadCell("invalid_choice", f"A reason belongs to exempt alone: {allowed}.")
    return policy, reason or None


def member(text: str) -> str:
    """A username, or an e-mail address in whatever case."""
    taken = text.strip()
    return taken.lower() if "@" in taken else taken


def check_item(values: Values) -> list[Complaint]:
    def estimate(name: str) -> float | None:
        return cast("float | None", values.get(name))

    return problems_with_item(
        reach=estimate("reach"),
        impact=estimate("impact"),
        confidence=estimate("confidence"),
        effort=estimate("effort"),
    )


def check_link(values: Values) -> list[Complaint]:
    weight = cast("float | None", values.get("weight"))
    if weight is not None and not 0 < weight <= 1:
        return [Complaint("weight", "out_of_range", "A weight must be above 0 and at most 1.")]
    return []


def check_survey(values: Values) -> list[Complaint]:
    return problems_with_survey(
        respondents=cast(int, values["respondents"]),
        importance_top2=cast(int, values["importance_top2"]),
        satisfaction_top2=cast(int, values["satisfaction_top2"]),
    )


PRODUCTS = Table(
    "products",
    (Column("key", key, True), Column("name", line_of_text(200), True)),
    identity=("key",),
)
CUSTOMERS = Table(
    "customers",
    (
        Column("key", customer_key, True),
        Column("name", line_of_text(200), True),
        Column("segment", line_of_text(100)),
        Column("mrr", money),
    ),
    identity=("key",),
)
PROBLEMS = Table(
    "problems",
    (
        Column("key", key, True),
        Column("title", line_of_text(300), True),
        Column("description", long_text),
        Column("parent", reference),
    ),
    identity=("key",),
)
ITEMS = Table(
    "items",
    (
        Column("key", key, True),
        Column("title", line_of_text(300), True),
        Column("summary", long_text),
        Column("product", reference, refers_to="product"),
        Column("status", one_of(*STATUSES)),
        Column("horizon", one_of(*HORIZONS)),
        Column("released_on", day),
        Column("kind", one_of(*ITEM_KINDS)),
        Column("owner", member, refers_to="member"),
        Column("hypothesis", long_text),
        Column("reach", number),
        Column("impact", number),
        Column("confidence", number),
        Column("effort", number),
        Column("url", web_address),
        Column("usage_policy", usage_policy, fields=("usage_policy", "exemption_reason")),
    ),
    identity=("key",),
    check=check_item,
)
LINKS = Table(
    "links",
    (
        Column("item", reference, True, refers_to="item"),
        Column("problem", reference, True, refers_to="problem"),
        Column("weight", number),
    ),
    identity=("item", "problem"),
    check=check_link,
)
EVIDENCE = Table(
    "evidence",
    (
        Column("problem", reference, True, refers_to="problem"),
        Column("kind", one_of(*EVIDENCE_KINDS), True),
        Column("customer", reference, refers_to="customer"),
        Column("quote", long_text),
        Column("source_url", web_address),
        Column("observed_on", day),
        Column("importance", whole(0, MOST_IMPORTANT)),
        Column("external_id", line_of_text(200)),
    ),
    identity=("problem", "external_id"),
)
SURVEYS = Table(
    "surveys",
    (
        Column("problem", reference, True, refers_to="problem"),
        Column("segment", line_of_text(100), True),
        Column("on", day, True),
        Column("respondents", whole(1), True),
        Column("importance_top2", whole(0), True),
        Column("satisfaction_top2", whole(0), True),
    ),
    identity=("problem", "segment", "on"),
    check=check_survey,
)
