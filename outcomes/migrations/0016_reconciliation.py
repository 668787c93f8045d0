from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now

STAGES = ("metrics", "usage", "problems", "audiences", "items", "done")


class Migration(migrations.Migration):
    dependencies = [("outcomes", "0015_quiet_run")]

    operations = [
        migrations.AddField(
            "valuerecord", "recorded_at", models.DateTimeField(db_default=Now(), editable=False)
        ),
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("started_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "stage",
                    models.CharField(choices=[(s, s) for s in STAGES], default="metrics", max_length=10),
                ),
                ("after", models.BigIntegerField(default=0)),
                (
                    "checked",
                    models.PositiveIntegerField(default=0, help_text="Items whose value was computed again."),
                ),
                (
                    "waiting",
                    models.PositiveIntegerField(
                        default=0, help_text="Items left alone: a change of theirs is being read."
                    ),
                ),
                (
                    "drifted",
                    models.PositiveIntegerField(
                        default=0, help_text="What was not as the facts say. Zero, unless we erred."
                    ),
                ),
                ("drift", models.JSONField(default=list)),
                (
                    "workspace",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("stage__in", STAGES)), name="reconciliation_stage_is_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("finished_at__isnull", False), ("stage", "done"))
                        | models.Q(~models.Q(("stage", "done")), ("finished_at", None)),
                        name="a_finished_reconciliation_is_done",
                    ),
                    models.UniqueConstraint(
                        fields=("workspace",),
                        condition=~models.Q(("stage", "done")),
                        name="one_reconciliation_under_way",
                    ),
                ],
                "indexes": [
                    models.Index(
                        models.F("workspace"),
                        models.OrderBy(models.F("started_at"), descending=True),
                        name="reconciliation_newest",
                    ),
                ],
            },
        ),
    ]
