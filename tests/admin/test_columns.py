"""Numbers in lists are short, sort with what is not known last, and keep their heading on a phone."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils.safestring import SafeString

from outcomes.models import ItemValue
from productops.workspaces.templatetags.lists import labelled
from tests.admin.furnishing import Furniture
from tests.admin.test_pages import list_of
from tests.factories import a_value, an_item


def test_a_cell_carries_its_heading_escaped_and_a_box_to_tick_carries_none() -> None:
    cells = [SafeString('<td class="x"><input></td>'), SafeString('<th class="y">1</th>'), SafeString("odd")]
    headings = [{"text": SafeString("<input>")}, {"text": 'who "they" are'}, {"text": "odd"}]
    assert labelled(cells, headings) == [
        '<td class="x"><input></td>',
        '<th data-label="Who &quot;they&quot; are" class="y">1</th>',
        "odd",
    ]


@pytest.mark.django_db
def test_a_list_of_values_rounds_and_sorts_what_is_not_known_last(vic: Client, own: Furniture) -> None:
    ItemValue.objects.filter(item=own.item).update(proven=100 / 3, coverage=2 / 3)
    a_value(an_item(own.workspace), proven=None)
    shown = vic.get(list_of(ItemValue)).content.decode()
    assert '<td data-label="Proven" class="field-proven">33.3</td>' in shown
    assert '<td data-label="Coverage" class="field-coverage">66.7%</td>' in shown
    rows = vic.get(f"{list_of(ItemValue)}?o=2").context["cl"].result_list
    assert [row.proven is None for row in rows] == [False, True]
