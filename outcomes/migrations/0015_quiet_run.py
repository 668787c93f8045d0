import django.db.models.deletion
from django.db import migrations, models

from productops.workspaces.schema import AddConstraint, AddIndex, belongs, workspace_key

# What was judged before there were quiet runs had its first run.
_HAD_THEIRS = """
    INSERT INTO outcomes_quietrun (workspace_id, kind, cause, started_at, through_at, drains, ended_at, counts,
                                   is_announced, answered_by)
    SELECT DISTINCT workspace_id, 'first_run', '{}'::jsonb, now(), now(), 0, now(), '{}'::jsonb, false, ''
    FROM outcomes_flag
"""


class Migration(migrations.Migration):
    dependencies = [
        ("outcomes", "0014_file_import"),
        ("workspaces", "0004_change"),
    ]

    operations = [
        migrations.CreateModel(
            name="QuietRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("first_run", "first_run"),
                            ("thresholds", "thresholds"),
                            ("scoring_model", "scoring_model"),
                            ("rules", "rules"),
                        ],
                        max_length=14,
                    ),
                ),
                ("cause", models.JSONField(default=dict)),
                ("started_at", models.DateTimeField()),
                ("through_at", models.DateTimeField()),
                ("drains", models.PositiveSmallIntegerField(default=0)),
                ("ended_at", models.DateTimeField(null=True)),
                ("counts", models.JSONField(default=dict)),
                ("is_announced", models.BooleanField(default=False)),
                ("answered_at", models.DateTimeField(null=True)),
                ("answered_by", models.CharField(blank=True, max_length=200)),
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
        ),
        migrations.AddField(
            model_name="flagaction",
            name="quiet_run",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="actions",
                to="outcomes.quietrun",
            ),
        ),
        AddIndex(
            model_name="quietrun",
            index=models.Index(fields=["workspace", "-started_at"], name="quiet_run_newest"),
        ),
        AddConstraint(
            model_name="quietrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ("first_run", "thresholds", "scoring_model", "rules"))),
                name="quiet_run_kind_is_known",
            ),
        ),
        AddConstraint(
            model_name="quietrun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)),
                fields=("workspace",),
                name="one_quiet_run_at_a_time",
            ),
        ),
        AddConstraint(
            model_name="quietrun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "first_run")),
                fields=("workspace",),
                name="one_first_run_per_workspace",
            ),
        ),
        workspace_key("outcomes_quietrun"),
        belongs("outcomes_flagaction", "quiet_run_id", "outcomes_quietrun"),
        migrations.RunSQL(_HAD_THEIRS, migrations.RunSQL.noop),
    ]
