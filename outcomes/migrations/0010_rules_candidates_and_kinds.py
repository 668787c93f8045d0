import django.db.models.deletion
from django.db import migrations, models

from productops.workspaces.schema import AddConstraint, AddIndex, belongs, recorded, workspace_key

# What deliveries say of a name, not what people did to it.
COUNTED = ["count", "first_seen_at", "last_seen_at", "sample"]


class Migration(migrations.Migration):
    dependencies = [
        ("outcomes", "0009_changes_are_recorded"),
        ("roadmap", "0003_item_link_and_release"),
        ("workspaces", "0001_workspace_person_and_key"),
    ]

    operations = [
        migrations.CreateModel(
            name="Candidate",
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
                    "kind",
                    models.CharField(
                        choices=[("event", "event"), ("item", "item"), ("metric", "metric")],
                        editable=False,
                        max_length=6,
                    ),
                ),
                ("name", models.CharField(editable=False, max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "open"), ("accepted", "accepted"), ("dismissed", "dismissed")],
                        default="open",
                        max_length=9,
                    ),
                ),
                ("count", models.BigIntegerField(default=0, editable=False)),
                ("first_seen_at", models.DateTimeField(editable=False)),
                ("last_seen_at", models.DateTimeField(editable=False)),
                ("sample", models.JSONField(default=dict, editable=False)),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="candidates",
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
        migrations.CreateModel(
            name="ExposureReport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("on_date", models.DateField()),
                (
                    "report",
                    models.CharField(
                        help_text="The delivery it came with, by the sender's id.", max_length=200
                    ),
                ),
                ("on_count", models.PositiveBigIntegerField()),
                ("off_count", models.PositiveBigIntegerField()),
                (
                    "item",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="roadmap.item",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
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
        migrations.CreateModel(
            name="Rule",
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
                ("match", models.TextField(help_text="Which events are meant. JMESPath.", max_length=1000)),
                (
                    "to",
                    models.CharField(
                        choices=[("observation", "observation"), ("usage", "usage")], max_length=11
                    ),
                ),
                (
                    "item_key",
                    models.TextField(
                        blank=True,
                        help_text="The key of the item, found in the event. JMESPath.",
                        max_length=1000,
                    ),
                ),
                (
                    "metric_key",
                    models.TextField(
                        blank=True,
                        help_text="The key of the metric, found in the event. JMESPath.",
                        max_length=1000,
                    ),
                ),
                (
                    "value",
                    models.TextField(
                        blank=True,
                        help_text="The observation's value; 1 if nothing is said. JMESPath.",
                        max_length=1000,
                    ),
                ),
                (
                    "actor",
                    models.TextField(
                        blank=True,
                        help_text="Who used it; the event's actor if nothing is said. JMESPath.",
                        max_length=1000,
                    ),
                ),
                (
                    "customer",
                    models.TextField(
                        blank=True,
                        help_text="Whose user that is; the event's customer if nothing is said. JMESPath.",
                        max_length=1000,
                    ),
                ),
                (
                    "series",
                    models.TextField(
                        blank=True, help_text="The observation's series label. JMESPath.", max_length=1000
                    ),
                ),
                (
                    "at",
                    models.TextField(
                        blank=True,
                        help_text="When it was; the event's time if nothing is said. JMESPath.",
                        max_length=1000,
                    ),
                ),
                (
                    "event_id",
                    models.TextField(
                        blank=True,
                        help_text="Its id; the event's if nothing is said. JMESPath.",
                        max_length=1000,
                    ),
                ),
                (
                    "item",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rules",
                        to="roadmap.item",
                    ),
                ),
                (
                    "metric",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rules",
                        to="outcomes.metric",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rules",
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
        migrations.CreateModel(
            name="RunningTotal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "counter",
                    models.CharField(help_text="Hash of who counts and of the labels.", max_length=32),
                ),
                ("series", models.CharField(blank=True, max_length=200)),
                (
                    "started_at",
                    models.DateTimeField(help_text="When it began at 0; 1970 when that was not said."),
                ),
                ("at", models.DateTimeField()),
                ("value", models.FloatField()),
                (
                    "metric",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="outcomes.metric",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
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
            model_name="source",
            name="source_kind_is_known",
        ),
        migrations.AddField(
            model_name="delivery",
            name="headers",
            field=models.JSONField(default=dict, editable=False),
        ),
        migrations.AddField(
            model_name="delivery",
            name="path",
            field=models.CharField(blank=True, editable=False, max_length=200),
        ),
        migrations.AlterField(
            model_name="source",
            name="kind",
            field=models.CharField(
                choices=[
                    ("productops", "productops"),
                    ("segment", "segment"),
                    ("posthog", "posthog"),
                    ("amplitude", "amplitude"),
                    ("mixpanel", "mixpanel"),
                    ("cloudevents", "cloudevents"),
                    ("otlp", "otlp"),
                    ("unleash", "unleash"),
                    ("flagsmith", "flagsmith"),
                    ("launchdarkly", "launchdarkly"),
                    ("github", "github"),
                    ("jira", "jira"),
                    ("custom", "custom"),
                ],
                default="productops",
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="sourcesecret",
            name="secret",
            field=models.CharField(db_index=True, editable=False, max_length=200),
        ),
        AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("outcome__has_key", "unclaimed")),
                fields=["source", "id"],
                name="delivery_unclaimed",
            ),
        ),
        AddConstraint(
            model_name="source",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        (
                            "productops",
                            "segment",
                            "posthog",
                            "amplitude",
                            "mixpanel",
                            "cloudevents",
                            "otlp",
                            "unleash",
                            "flagsmith",
                            "launchdarkly",
                            "github",
                            "jira",
                            "custom",
                        ),
                    )
                ),
                name="source_kind_is_known",
            ),
        ),
        AddConstraint(
            model_name="candidate",
            constraint=models.UniqueConstraint(
                fields=("source", "kind", "name"), name="one_candidate_per_name"
            ),
        ),
        AddConstraint(
            model_name="candidate",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ("event", "item", "metric"))), name="candidate_kind_is_known"
            ),
        ),
        AddConstraint(
            model_name="candidate",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ("open", "accepted", "dismissed"))),
                name="candidate_state_is_known",
            ),
        ),
        AddConstraint(
            model_name="exposurereport",
            constraint=models.UniqueConstraint(
                fields=("item", "on_date", "source", "report"), name="one_exposure_report_per_delivery"
            ),
        ),
        AddConstraint(
            model_name="rule",
            constraint=models.CheckConstraint(
                condition=models.Q(("to__in", ("observation", "usage"))), name="rule_target_is_known"
            ),
        ),
        AddConstraint(
            model_name="rule",
            constraint=models.CheckConstraint(
                condition=models.Q(("match", ""), _negated=True), name="a_rule_matches_something"
            ),
        ),
        AddConstraint(
            model_name="rule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("to", "usage"),
                        models.Q(
                            ("item__isnull", False),
                            models.Q(("item_key", ""), _negated=True),
                            _connector="XOR",
                        ),
                    ),
                    models.Q(
                        ("to", "observation"),
                        models.Q(
                            ("metric__isnull", False),
                            models.Q(("metric_key", ""), _negated=True),
                            _connector="XOR",
                        ),
                    ),
                    _connector="OR",
                ),
                name="a_rule_names_what_it_makes",
            ),
        ),
        AddIndex(
            model_name="runningtotal",
            index=models.Index(fields=["source", "metric", "series", "at"], name="total_by_series"),
        ),
        AddConstraint(
            model_name="runningtotal",
            constraint=models.UniqueConstraint(
                fields=("source", "metric", "counter", "started_at", "at"),
                name="one_total_per_counter_and_instant",
            ),
        ),
        belongs("outcomes_rule", "source_id", "outcomes_source"),
        belongs("outcomes_rule", "item_id", "roadmap_item"),
        belongs("outcomes_rule", "metric_id", "outcomes_metric"),
        workspace_key("outcomes_candidate"),
        belongs("outcomes_candidate", "source_id", "outcomes_source"),
        belongs("outcomes_exposurereport", "item_id", "roadmap_item"),
        belongs("outcomes_exposurereport", "source_id", "outcomes_source"),
        belongs("outcomes_runningtotal", "metric_id", "outcomes_metric"),
        belongs("outcomes_runningtotal", "source_id", "outcomes_source"),
        recorded("outcomes_rule", "rule"),
        recorded("outcomes_candidate", "candidate", hidden=COUNTED),
    ]
