"""The next workspace with marks of a kind, and its oldest marks, are found in one step each."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("outcomes", "0030_observations_belong")]

    operations = [
        migrations.AddIndex(
            model_name="mark",
            index=models.Index(fields=["kind", "workspace", "marked_at"], name="mark_turns"),
        ),
    ]
