"""The roadmap's pages in the admin."""

from __future__ import annotations

from roadmap.admin import evidence, items, problems, products

__all__ = ["evidence", "items", "problems", "products"]
