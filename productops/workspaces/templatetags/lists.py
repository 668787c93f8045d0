"""Lists on a phone: every cell carries the heading of its column, for there the headings stand above all rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

register = template.Library()


@register.filter
def labelled(cells: Iterable[str], headings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the cells of a row, each with its column's heading as an attribute."""
    return [_labelled(cell, str(heading["text"])) for cell, heading in zip(cells, headings, strict=False)]


def _labelled(cell: str, heading: str) -> str:
    tag = next((tag for tag in ("<td", "<th") if cell.startswith(tag)), None)
    if tag is None or "<" in heading or not isinstance(cell, SafeString):
        # Not a heading in words: the box that chooses all rows. What nobody escaped is left for the template to.
        return cell
    label = format_html(' data-label="{}"', capfirst(heading))
    # Cells come escaped from Django's own list; the label was escaped just now.
    return mark_safe(f"{tag}{label}{cell[len(tag) :]}")  # noqa: S308
