from __future__ import annotations

from django.db import migrations
from django.db.models import F, Index

from productops.workspaces.schema import AddIndex

_UP, _DOWN = ("design", "as_of", "estimate"), ("decided_on", "relative")
_NAMES = {
    "design": "effect_by_design",
    "as_of": "effect_by_instant",
    "estimate": "effect_by_estimate",
    "decided_on": "effect_by_decision",
    "relative": "effect_by_lift",
}


class Migration(migrations.Migration):
    dependencies = [("outcomes", "0031_workspaces_take_turns")]

    operations = [
        migrations.RemoveIndex(model_name="effect", name="effect_newest"),
        *(
            AddIndex("effect", Index(F("workspace"), F(column), F("id"), name=_NAMES[column]))
            for column in _UP
        ),
        *(
            AddIndex(
                "effect",
                Index(F("workspace"), F(column).desc(nulls_last=True), F("id"), name=_NAMES[column]),
            )
            for column in _DOWN
        ),
    ]
