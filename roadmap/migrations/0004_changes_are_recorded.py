from __future__ import annotations

from django.db import migrations

from productops.workspaces.schema import recorded

# Which statement of a source was the last: it changes with every repetition.
STATED = ["stated_at", "stated_by", "stated_row"]


class Migration(migrations.Migration):
    dependencies = [
        ("roadmap", "0003_item_link_and_release"),
        ("workspaces", "0004_change"),
    ]

    operations = [
        recorded("roadmap_product", "product"),
        recorded("roadmap_customer", "customer", hidden=STATED),
        recorded("roadmap_problem", "problem"),
        recorded("roadmap_evidence", "evidence", hidden=STATED),
        recorded("roadmap_survey", "survey"),
        recorded("roadmap_item", "item"),
        recorded("roadmap_link", "link"),
    ]
