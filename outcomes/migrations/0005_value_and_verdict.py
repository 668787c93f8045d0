import django.db.models.deletion
from django.db import migrations, models

from productops.workspaces.schema import AddConstraint, AddIndex, belongs


class Migration(migrations.Migration):
    dependencies = [
        ("outcomes", "0004_outcome"),
    ]

    operations = [
        migrations.CreateModel(
            name="ItemUsage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("exempt", "exempt"),
                            ("too_new", "too_new"),
                            ("not_instrumented", "not_instrumented"),
                            ("data_gap", "data_gap"),
                            ("never_adopted", "never_adopted"),
                            ("abandoned", "abandoned"),
                            ("under_used", "under_used"),
                            ("declining", "declining"),
                            ("healthy", "healthy"),
                        ],
                        max_length=20,
                        null=True,
                    ),
                ),
                ("last_known", models.CharField(max_length=20, null=True)),
                ("reason", models.CharField(max_length=40, null=True)),
                ("active", models.FloatField(null=True)),
                ("eligible", models.FloatField(null=True)),
                ("eligible_from", models.CharField(max_length=20, null=True)),
                ("share", models.FloatField(null=True)),
                ("low", models.FloatField(null=True)),
                ("high", models.FloatField(null=True)),
                ("window_days", models.PositiveSmallIntegerField(null=True)),
                ("evidence", models.JSONField(default=dict)),
                ("judged_on", models.DateField(null=True)),
                (
                    "item",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="usage",
                        to="roadmap.item",
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
            options={
                "verbose_name_plural": "item usage",
            },
        ),
        migrations.CreateModel(
            name="ItemValue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("expected", models.FloatField(null=True)),
                ("realised", models.FloatField(null=True)),
                ("proven", models.FloatField(null=True)),
                ("coverage", models.FloatField(default=0)),
                ("outcome_term", models.FloatField(null=True)),
                ("adoption", models.FloatField(null=True)),
                ("retention", models.FloatField(null=True)),
                ("missing", models.JSONField(default=list)),
                ("explanation", models.JSONField(default=dict)),
                ("model_version", models.PositiveIntegerField(null=True)),
                ("judged_on", models.DateField(null=True)),
                ("demand", models.FloatField(default=0, help_text="Its share of its problems' demand.")),
                ("revenue_at_stake", models.FloatField(default=0)),
                (
                    "opportunity",
                    models.FloatField(help_text="The highest of its problems' scores.", null=True),
                ),
                ("trend", models.FloatField(help_text="Proven now minus 28 days ago.", null=True)),
                ("as_of", models.DateTimeField(null=True)),
                (
                    "item",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="value",
                        to="roadmap.item",
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
            name="ScoringModel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("weights", models.JSONField()),
                ("is_active", models.BooleanField(default=True)),
                ("is_used", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
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
            name="ValueRecord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("expected", models.FloatField(null=True)),
                ("realised", models.FloatField(null=True)),
                ("proven", models.FloatField(null=True)),
                ("coverage", models.FloatField(default=0)),
                ("outcome_term", models.FloatField(null=True)),
                ("adoption", models.FloatField(null=True)),
                ("retention", models.FloatField(null=True)),
                ("missing", models.JSONField(default=list)),
                ("explanation", models.JSONField(default=dict)),
                ("model_version", models.PositiveIntegerField(null=True)),
                ("judged_on", models.DateField(null=True)),
                ("cause", models.JSONField(default=dict)),
                ("as_of", models.DateTimeField()),
                (
                    "item",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="value_records",
                        to="roadmap.item",
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
            name="VerdictSpan",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("from_on", models.DateField()),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("exempt", "exempt"),
                            ("too_new", "too_new"),
                            ("not_instrumented", "not_instrumented"),
                            ("data_gap", "data_gap"),
                            ("never_adopted", "never_adopted"),
                            ("abandoned", "abandoned"),
                            ("under_used", "under_used"),
                            ("declining", "declining"),
                            ("healthy", "healthy"),
                        ],
                        max_length=20,
                    ),
                ),
                ("reason", models.CharField(max_length=40, null=True)),
                (
                    "item",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="verdict_spans",
                        to="roadmap.item",
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
        AddIndex(
            model_name="itemusage",
            index=models.Index(models.F("workspace"), models.F("verdict"), name="usage_by_verdict"),
        ),
        AddConstraint(
            model_name="itemusage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "verdict__in",
                        (
                            "exempt",
                            "too_new",
                            "not_instrumented",
                            "data_gap",
                            "never_adopted",
                            "abandoned",
                            "under_used",
                            "declining",
                            "healthy",
                        ),
                    )
                ),
                name="item_verdict_is_known",
            ),
        ),
        AddIndex(
            model_name="itemvalue",
            index=models.Index(
                models.F("workspace"),
                models.OrderBy(models.F("proven"), descending=True, nulls_last=True),
                models.F("item"),
                name="value_by_proven",
            ),
        ),
        AddIndex(
            model_name="itemvalue",
            index=models.Index(
                models.F("workspace"),
                models.OrderBy(models.F("expected"), descending=True, nulls_last=True),
                models.F("item"),
                name="value_by_expected",
            ),
        ),
        AddConstraint(
            model_name="scoringmodel",
            constraint=models.UniqueConstraint(
                fields=("workspace", "version"), name="one_scoring_model_per_version"
            ),
        ),
        AddConstraint(
            model_name="scoringmodel",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_active", True)),
                fields=("workspace",),
                name="one_active_scoring_model",
            ),
        ),
        AddIndex(
            model_name="valuerecord",
            index=models.Index(
                models.F("item"),
                models.OrderBy(models.F("as_of"), descending=True),
                name="value_record_newest",
            ),
        ),
        AddConstraint(
            model_name="verdictspan",
            constraint=models.UniqueConstraint(
                fields=("item", "from_on"), name="one_verdict_per_item_and_day"
            ),
        ),
        AddConstraint(
            model_name="verdictspan",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "verdict__in",
                        (
                            "exempt",
                            "too_new",
                            "not_instrumented",
                            "data_gap",
                            "never_adopted",
                            "abandoned",
                            "under_used",
                            "declining",
                            "healthy",
                        ),
                    )
                ),
                name="span_verdict_is_known",
            ),
        ),
        belongs("outcomes_itemvalue", "item_id", "roadmap_item"),
        belongs("outcomes_valuerecord", "item_id", "roadmap_item"),
        belongs("outcomes_itemusage", "item_id", "roadmap_item"),
        belongs("outcomes_verdictspan", "item_id", "roadmap_item"),
    ]
