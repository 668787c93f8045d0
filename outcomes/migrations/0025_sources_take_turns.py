"""The sources that wait are found one after the other, however much waits of each."""

from __future__ import annotations

from django.db import migrations, models

from productops.workspaces.schema import AddIndex


class Migration(migrations.Migration):
    dependencies = [("outcomes", "0024_what_a_flag_was_raised_with")]

    operations = [
        AddIndex(
            model_name="delivery",
            index=models.Index(
                fields=["source", "id"], condition=models.Q(state="pending"), name="delivery_waiting"
            ),
        ),
    ]
