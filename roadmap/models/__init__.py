from __future__ import annotations

from roadmap.models.customers import Customer
from roadmap.models.items import Item, Link, Release
from roadmap.models.merging import EvidenceRoute, ProblemMerge
from roadmap.models.problems import Evidence, Problem, ProblemStanding, Survey
from roadmap.models.products import Product

__all__ = [
    "Customer",
    "Evidence",
    "EvidenceRoute",
    "Item",
    "Link",
    "Problem",
    "ProblemMerge",
    "ProblemStanding",
    "Product",
    "Release",
    "Survey",
]
