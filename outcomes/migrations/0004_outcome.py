import django.db.models.deletion
from django.db import migrations, models

from productops.workspaces.schema import AddConstraint, belongs, workspace_key


class Migration(migrations.Migration):
    dependencies = [
        ("outcomes", "0003_usage"),
    ]

    operations = [
        migrations.CreateModel(
            name="Outcome",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "series",
                    models.CharField(
                        blank=True, help_text="One series label; blank takes all.", max_length=200, null=True
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("primary", "primary"),
                            ("secondary", "secondary"),
                            ("guardrail", "guardrail"),
                        ],
                        default="primary",
                        max_length=9,
                    ),
                ),
                ("baseline", models.FloatField(blank=True, null=True)),
                ("target", models.FloatField(blank=True, null=True)),
                ("due_on", models.DateField(blank=True, null=True)),
                ("weight", models.FloatField(default=1)),
                ("controls", models.JSONField(blank=True, default=list)),
                ("washout_days", models.PositiveSmallIntegerField(default=0)),
                ("after_periods", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("margin", models.FloatField(blank=True, null=True)),
                (
                    "item",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="outcomes",
                        to="roadmap.item",
                    ),
                ),
                (
                    "metric",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="outcomes",
                        to="outcomes.metric",
                    ),
                ),
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
        AddConstraint(
            model_name="outcome",
            constraint=models.UniqueConstraint(
                fields=("item", "metric", "series"),
                name="one_outcome_per_item_metric_and_series",
                nulls_distinct=False,
            ),
        ),
        AddConstraint(
            model_name="outcome",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ("primary", "secondary", "guardrail"))),
                name="outcome_role_is_known",
            ),
        ),
        AddConstraint(
            model_name="outcome",
            constraint=models.CheckConstraint(
                condition=models.Q(("weight__gt", 0)), name="outcome_weight_is_positive"
            ),
        ),
        workspace_key("outcomes_outcome"),
        belongs("outcomes_outcome", "item_id", "roadmap_item"),
        belongs("outcomes_outcome", "metric_id", "outcomes_metric"),
    ]
