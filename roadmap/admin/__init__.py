"""The roadmap's pages in the admin."""

from __future__ import annotations

from roadmap.admin import evidence, items, merges, problems, products

__all__ = ["evidence", "items", "merges", "problems", "products"]
