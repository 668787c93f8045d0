import django.db.models.deletion
from django.db import migrations, models

from productops.workspaces.schema import AddConstraint, AddIndex, belongs, workspace_key


class Migration(migrations.Migration):
    dependencies = [
        ("outcomes", "0010_rules_candidates_and_kinds"),
        ("workspaces", "0004_change"),
    ]

    operations = [
        migrations.CreateModel(
            name="Effect",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "design",
                    models.CharField(
                        choices=[
                            ("before_after", "before_after"),
                            ("comparison", "comparison"),
                            ("experiment", "experiment"),
                        ],
                        max_length=12,
                    ),
                ),
                ("estimate", models.FloatField()),
                ("low", models.FloatField()),
                ("high", models.FloatField()),
                ("confidence", models.FloatField(default=0.95)),
                ("relative", models.FloatField(null=True)),
                ("relative_low", models.FloatField(null=True)),
                ("relative_high", models.FloatField(null=True)),
                ("probability_better", models.FloatField(null=True)),
                (
                    "verdict",
                    models.CharField(
                        choices=[("better", "better"), ("worse", "worse"), ("inconclusive", "inconclusive")],
                        max_length=12,
                        null=True,
                    ),
                ),
                ("decided_on", models.DateField(null=True)),
                ("n_before", models.PositiveIntegerField()),
                ("n_after", models.PositiveIntegerField()),
                ("from_on", models.DateField(help_text="The first day of its data.")),
                ("to_on", models.DateField(help_text="The last day of its data.")),
                ("method", models.CharField(max_length=200)),
                ("method_version", models.PositiveSmallIntegerField()),
                ("placebo", models.JSONField(null=True)),
                ("caveats", models.JSONField(default=list)),
                ("detail", models.JSONField(default=dict)),
                ("chart", models.JSONField(default=dict)),
                ("cause", models.JSONField(default=dict)),
                ("as_of", models.DateTimeField()),
                (
                    "outcome",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="effects",
                        to="outcomes.outcome",
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
        migrations.RemoveConstraint(
            model_name="mark",
            name="mark_kind_is_known",
        ),
        migrations.AlterField(
            model_name="mark",
            name="kind",
            field=models.CharField(
                choices=[
                    ("metric_day", "metric_day"),
                    ("usage_day", "usage_day"),
                    ("problem", "problem"),
                    ("source", "source"),
                    ("audience", "audience"),
                    ("effect", "effect"),
                    ("item", "item"),
                ],
                max_length=12,
            ),
        ),
        AddConstraint(
            model_name="mark",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        ("metric_day", "usage_day", "problem", "source", "audience", "effect", "item"),
                    )
                ),
                name="mark_kind_is_known",
            ),
        ),
        AddIndex(
            model_name="effect",
            index=models.Index(
                models.F("workspace"),
                models.OrderBy(models.F("as_of"), descending=True),
                name="effect_newest",
            ),
        ),
        AddConstraint(
            model_name="effect",
            constraint=models.UniqueConstraint(
                fields=("outcome", "design"), name="one_effect_per_outcome_and_design"
            ),
        ),
        AddConstraint(
            model_name="effect",
            constraint=models.CheckConstraint(
                condition=models.Q(("design__in", ("before_after", "comparison", "experiment"))),
                name="effect_design_is_known",
            ),
        ),
        AddConstraint(
            model_name="effect",
            constraint=models.CheckConstraint(
                condition=models.Q(("verdict__in", ("better", "worse", "inconclusive"))),
                name="effect_verdict_is_known",
            ),
        ),
        AddConstraint(
            model_name="effect",
            constraint=models.CheckConstraint(
                condition=models.Q(("estimate__lte", models.F("high")), ("low__lte", models.F("estimate"))),
                name="an_estimate_lies_in_its_interval",
            ),
        ),
        AddConstraint(
            model_name="effect",
            constraint=models.CheckConstraint(
                condition=models.Q(("from_on__lte", models.F("to_on"))), name="an_effect_s_window_has_days"
            ),
        ),
        belongs("outcomes_effect", "outcome_id", "outcomes_outcome"),
        workspace_key("outcomes_effect"),
    ]
