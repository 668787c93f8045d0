"""Cells of the admin's lists name their column on a phone, and nothing gets past the escaping that way."""

from __future__ import annotations

from django.template import Context, Template
from django.utils.safestring import mark_safe

ROW = Template("{% load lists %}{% for cell in cells|labelled:headings %}{{ cell }}{% endfor %}")


def test_a_cell_is_told_its_column_s_heading_escaped() -> None:
    shown = ROW.render(Context({"cells": [mark_safe("<td>1</td>")], "headings": [{"text": 'so "called"'}]}))
    assert shown == '<td data-label="So &quot;called&quot;">1</td>'


def test_a_cell_that_nobody_escaped_is_escaped() -> None:
    shown = ROW.render(Context({"cells": ["<td><script></td>"], "headings": [{"text": "name"}]}))
    assert "<script>" not in shown
