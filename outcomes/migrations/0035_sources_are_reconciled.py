"""A night's pass looks at the flags of sources, too."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models import Q

from productops.workspaces.schema import AddConstraint

STAGES = ("metrics", "usage", "problems", "audiences", "effects", "items", "sources", "done")


class Migration(migrations.Migration):
    dependencies = [("outcomes", "0034_what_was_decided_on")]

    operations = [
        migrations.RemoveConstraint("reconciliation", "reconciliation_stage_is_known"),
        migrations.AlterField(
            "reconciliation",
            "stage",
            models.CharField(choices=[(s, s) for s in STAGES], default="metrics", max_length=10),
        ),
        AddConstraint(
            "reconciliation",
            models.CheckConstraint(condition=Q(stage__in=STAGES), name="reconciliation_stage_is_known"),
        ),
    ]
