"""What an experiment read when it was decided is kept beside the decision."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models import Q

from productops.workspaces.schema import AddConstraint


class Migration(migrations.Migration):
    dependencies = [("outcomes", "0033_used_models_keep_their_note")]

    operations = [
        migrations.AddField(
            model_name="experiment",
            name="decided_reading",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(
                condition=Q(state="decided") | Q(decided_reading__isnull=True),
                name="a_reading_was_decided_on_by_a_decision",
            ),
        ),
    ]
