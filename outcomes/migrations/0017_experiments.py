import django.db.models.deletion
from django.db import migrations, models

import roadmap.models.keyed
from productops.workspaces.schema import AddConstraint, AddIndex, belongs, recorded, workspace_key


class Migration(migrations.Migration):
    dependencies = [
        ("outcomes", "0016_reconciliation"),
        ("roadmap", "0004_changes_are_recorded"),
        ("workspaces", "0004_change"),
    ]

    operations = [
        migrations.CreateModel(
            name="Experiment",
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
                ("key", models.CharField(max_length=200, validators=[roadmap.models.keyed.validate_key])),
                ("hypothesis", models.TextField(blank=True)),
                ("variants", models.JSONField(blank=True, default=list)),
                (
                    "control",
                    models.CharField(
                        blank=True, help_text="The variant that others are compared with.", max_length=200
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "draft"),
                            ("running", "running"),
                            ("ended", "ended"),
                            ("decided", "decided"),
                        ],
                        default="draft",
                        max_length=7,
                    ),
                ),
                ("started_on", models.DateField(blank=True, null=True)),
                (
                    "ended_on",
                    models.DateField(blank=True, help_text="The last day, planned or past.", null=True),
                ),
                (
                    "decision",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("ship", "ship"),
                            ("hold", "hold"),
                            ("iterate", "iterate"),
                            ("revert", "revert"),
                        ],
                        max_length=7,
                    ),
                ),
                ("decision_note", models.TextField(blank=True, max_length=20000)),
                ("decided_variant", models.CharField(blank=True, max_length=200)),
                ("decided_by", models.CharField(blank=True, editable=False, max_length=200)),
                ("decided_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("archived_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "item",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="experiments",
                        to="roadmap.item",
                    ),
                ),
                (
                    "metric",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="What it is decided on.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="experiments",
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
        migrations.CreateModel(
            name="ExperimentGuardrail",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "experiment",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="guardrail_rows",
                        to="outcomes.experiment",
                    ),
                ),
                (
                    "metric",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
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
        migrations.CreateModel(
            name="ExperimentTotal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stated_at", models.DateTimeField()),
                ("stated_by", models.CharField(max_length=200)),
                ("stated_row", models.PositiveIntegerField()),
                ("is_retracted", models.BooleanField(default=False)),
                ("variant", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
                (
                    "on",
                    models.DateField(
                        help_text="The day up to which it counts: one of midnight is of the day that ends."
                    ),
                ),
                ("n", models.BigIntegerField()),
                ("sum", models.FloatField()),
                ("sum_squares", models.FloatField()),
                (
                    "experiment",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="totals",
                        to="outcomes.experiment",
                    ),
                ),
                (
                    "metric",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="outcomes.metric",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="outcomes.source",
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
            model_name="candidate",
            name="candidate_kind_is_known",
        ),
        migrations.RemoveConstraint(
            model_name="mark",
            name="mark_kind_is_known",
        ),
        migrations.AlterField(
            model_name="candidate",
            name="kind",
            field=models.CharField(
                choices=[
                    ("event", "event"),
                    ("item", "item"),
                    ("metric", "metric"),
                    ("experiment", "experiment"),
                ],
                editable=False,
                max_length=10,
            ),
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
                    ("experiment", "experiment"),
                    ("item", "item"),
                ],
                max_length=12,
            ),
        ),
        AddConstraint(
            model_name="candidate",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ("event", "item", "metric", "experiment"))),
                name="candidate_kind_is_known",
            ),
        ),
        AddConstraint(
            model_name="mark",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        (
                            "metric_day",
                            "usage_day",
                            "problem",
                            "source",
                            "audience",
                            "effect",
                            "experiment",
                            "item",
                        ),
                    )
                ),
                name="mark_kind_is_known",
            ),
        ),
        AddIndex(
            model_name="experiment",
            index=models.Index(
                models.F("workspace"),
                models.F("ended_on"),
                condition=models.Q(("state", "running")),
                name="experiment_running_until",
            ),
        ),
        AddConstraint(
            model_name="experiment",
            constraint=models.UniqueConstraint(fields=("workspace", "key"), name="one_experiment_per_key"),
        ),
        AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("key__regex", "^[A-Za-z0-9_-]+$"),
                    models.Q(("key__regex", "^[0-9]+$"), _negated=True),
                    models.Q(("key", "bulk"), _negated=True),
                ),
                name="experiment_key_is_well_formed",
            ),
        ),
        AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ("draft", "running", "ended", "decided"))),
                name="experiment_state_is_known",
            ),
        ),
        AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(
                condition=models.Q(("decision__in", ["", "ship", "hold", "iterate", "revert"])),
                name="experiment_decision_is_known",
            ),
        ),
        AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(
                condition=models.Q(("state", "draft"), ("started_on__isnull", False), _connector="OR"),
                name="an_experiment_that_runs_has_a_first_day",
            ),
        ),
        AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["ended", "decided"]), _negated=True),
                    ("ended_on__isnull", False),
                    _connector="OR",
                ),
                name="an_experiment_that_ended_has_a_last_day",
            ),
        ),
        AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ended_on__isnull", True), ("ended_on__gte", models.F("started_on")), _connector="OR"
                ),
                name="an_experiment_ends_after_it_starts",
            ),
        ),
        AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("state", "decided"),
                        models.Q(("decision", ""), _negated=True),
                        ("decided_at__isnull", False),
                    ),
                    models.Q(
                        models.Q(("state", "decided"), _negated=True),
                        ("decision", ""),
                        ("decided_at__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="a_decided_experiment_says_how",
            ),
        ),
        AddConstraint(
            model_name="experimentguardrail",
            constraint=models.UniqueConstraint(
                fields=("experiment", "metric"), name="one_guardrail_per_experiment_and_metric"
            ),
        ),
        AddConstraint(
            model_name="experimenttotal",
            constraint=models.UniqueConstraint(
                fields=("experiment", "variant", "metric", "at"),
                name="one_total_per_variant_metric_and_instant",
            ),
        ),
        AddConstraint(
            model_name="experimenttotal",
            constraint=models.CheckConstraint(
                condition=models.Q(("n__gte", 0)), name="experiment_total_counts_people"
            ),
        ),
        workspace_key("outcomes_experiment"),
        belongs("outcomes_experiment", "item_id", "roadmap_item"),
        belongs("outcomes_experiment", "metric_id", "outcomes_metric"),
        belongs("outcomes_experimentguardrail", "experiment_id", "outcomes_experiment"),
        belongs("outcomes_experimentguardrail", "metric_id", "outcomes_metric"),
        belongs("outcomes_experimenttotal", "experiment_id", "outcomes_experiment"),
        belongs("outcomes_experimenttotal", "metric_id", "outcomes_metric"),
        belongs("outcomes_experimenttotal", "source_id", "outcomes_source"),
        recorded("outcomes_experiment", "experiment"),
        recorded("outcomes_experimentguardrail", "experimentguardrail"),
    ]
