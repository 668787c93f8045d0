"""What a product manager can do. Every door (API, admin) calls these and nothing beneath them.

Each takes `workspace` and `by`, runs in one transaction, refuses with Refused, and tells the storey above
through `roadmap.signals`. An edit takes the version that it is based on, or None where there is none, and
raises StaleEdit or NotHere. A removal returns True when the row is gone and False when it was archived.
"""

from __future__ import annotations

from roadmap.services.customers import create_customer, edit_customer, remove_customer, restore_customer
from roadmap.services.evidence import create_evidence, edit_evidence, remove_evidence
from roadmap.services.items import create_item, edit_item, release_item, remove_item, restore_item
from roadmap.services.links import create_link, edit_link, remove_link
from roadmap.services.merging import merge_problem, move_evidence, unmerge_problem
from roadmap.services.problems import create_problem, edit_problem, remove_problem, restore_problem
from roadmap.services.products import create_product, edit_product, remove_product
from roadmap.services.surveys import create_survey, edit_survey, remove_survey

__all__ = [
    "create_customer",
    "create_evidence",
    "create_item",
    "create_link",
    "create_problem",
    "create_product",
    "create_survey",
    "edit_customer",
    "edit_evidence",
    "edit_item",
    "edit_link",
    "edit_problem",
    "edit_product",
    "edit_survey",
    "merge_problem",
    "move_evidence",
    "release_item",
    "remove_customer",
    "remove_evidence",
    "remove_item",
    "remove_link",
    "remove_problem",
    "remove_product",
    "remove_survey",
    "restore_customer",
    "restore_item",
    "restore_problem",
    "unmerge_problem",
]
