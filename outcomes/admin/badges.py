"""Verdicts and states as coloured words; the colour never says more than the word."""

from __future__ import annotations

from django.utils.html import format_html

from roadmap.admin.numbers import UNKNOWN, words


def badge(word: str | None) -> str:
    """Return a word such as under_used as a badge; the style sheet knows its colour."""
    if not word:
        return UNKNOWN
    return format_html('<span class="po-badge po-{}">{}</span>', word.replace("_", "-"), words(word))
