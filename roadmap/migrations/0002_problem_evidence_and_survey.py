import django.db.models.deletion
from django.db import migrations, models

import roadmap.models.keyed
from productops.workspaces.schema import AddConstraint, AddIndex, belongs, workspace_key


class Migration(migrations.Migration):
    dependencies = [
        ("roadmap", "0001_product_and_customer"),
    ]

    operations = [
        migrations.CreateModel(
            name="Problem",
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
                ("title", models.CharField(max_length=300)),
                ("description", models.TextField(blank=True)),
                ("archived_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="children",
                        to="roadmap.problem",
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
            name="Evidence",
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
                        choices=[
                            ("interview", "interview"),
                            ("ticket", "ticket"),
                            ("call", "call"),
                            ("review", "review"),
                            ("survey", "survey"),
                            ("analytics", "analytics"),
                            ("experiment", "experiment"),
                            ("vote", "vote"),
                            ("opinion", "opinion"),
                        ],
                        max_length=12,
                    ),
                ),
                ("quote", models.TextField(blank=True)),
                ("source_url", models.URLField(blank=True, max_length=2000)),
                ("observed_on", models.DateField(blank=True, null=True)),
                (
                    "importance",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="0 not at all, 1 nice, 2 important, 3 blocking. Said by nobody: 1.",
                    ),
                ),
                ("external_id", models.CharField(blank=True, max_length=200)),
                ("stated_at", models.DateTimeField(editable=False, null=True)),
                ("stated_by", models.CharField(blank=True, editable=False, max_length=200)),
                ("stated_row", models.PositiveIntegerField(default=0, editable=False)),
                ("is_retracted", models.BooleanField(default=False, editable=False)),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="evidence",
                        to="roadmap.customer",
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
                (
                    "problem",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="evidence",
                        to="roadmap.problem",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "evidence",
            },
        ),
        migrations.CreateModel(
            name="ProblemStanding",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("demand", models.FloatField(default=0)),
                ("revenue_at_stake", models.FloatField(default=0)),
                ("own_demand", models.FloatField(default=0)),
                ("own_revenue_at_stake", models.FloatField(default=0)),
                ("evidence_count", models.PositiveIntegerField(default=0)),
                ("customer_count", models.PositiveIntegerField(default=0)),
                ("opportunity", models.FloatField(null=True)),
                ("is_low_evidence", models.BooleanField(default=False)),
                ("segments", models.JSONField(default=list)),
                ("computed_at", models.DateTimeField(auto_now=True)),
                (
                    "problem",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="standing",
                        to="roadmap.problem",
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
            name="Survey",
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
                ("segment", models.CharField(max_length=100)),
                ("on", models.DateField()),
                ("respondents", models.PositiveIntegerField()),
                (
                    "importance_top2",
                    models.PositiveIntegerField(help_text="How many rated importance 4 or 5 of 5."),
                ),
                (
                    "satisfaction_top2",
                    models.PositiveIntegerField(help_text="How many rated satisfaction 4 or 5 of 5."),
                ),
                (
                    "problem",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="surveys",
                        to="roadmap.problem",
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
            model_name="problem",
            constraint=models.UniqueConstraint(fields=("workspace", "key"), name="one_problem_per_key"),
        ),
        AddConstraint(
            model_name="problem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("key__regex", "^[A-Za-z0-9_-]+$"),
                    models.Q(("key__regex", "^[0-9]+$"), _negated=True),
                    models.Q(("key", "bulk"), _negated=True),
                ),
                name="problem_key_is_well_formed",
            ),
        ),
        AddConstraint(
            model_name="problem",
            constraint=models.CheckConstraint(
                condition=models.Q(("parent", models.F("id")), _negated=True),
                name="problem_is_not_its_own_parent",
            ),
        ),
        AddConstraint(
            model_name="evidence",
            constraint=models.UniqueConstraint(
                condition=models.Q(("external_id", ""), _negated=True),
                fields=("problem", "external_id"),
                name="one_evidence_per_external_id",
            ),
        ),
        AddConstraint(
            model_name="evidence",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        (
                            "interview",
                            "ticket",
                            "call",
                            "review",
                            "survey",
                            "analytics",
                            "experiment",
                            "vote",
                            "opinion",
                        ),
                    )
                ),
                name="evidence_kind_is_known",
            ),
        ),
        AddConstraint(
            model_name="evidence",
            constraint=models.CheckConstraint(
                condition=models.Q(("importance__gte", 0), ("importance__lte", 3)),
                name="evidence_importance_is_0_to_3",
            ),
        ),
        AddIndex(
            model_name="problemstanding",
            index=models.Index(
                models.F("workspace"),
                models.OrderBy(models.F("demand"), descending=True),
                models.F("id"),
                name="standing_by_demand",
            ),
        ),
        AddConstraint(
            model_name="survey",
            constraint=models.UniqueConstraint(
                fields=("problem", "segment", "on"), name="one_survey_per_problem_segment_and_day"
            ),
        ),
        AddConstraint(
            model_name="survey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("importance_top2__lte", models.F("respondents")),
                    ("satisfaction_top2__lte", models.F("respondents")),
                ),
                name="survey_counts_do_not_exceed_respondents",
            ),
        ),
        workspace_key("roadmap_problem"),
        belongs("roadmap_problem", "parent_id", "roadmap_problem"),
        belongs("roadmap_evidence", "problem_id", "roadmap_problem"),
        belongs("roadmap_evidence", "customer_id", "roadmap_customer"),
        belongs("roadmap_survey", "problem_id", "roadmap_problem"),
        belongs("roadmap_problemstanding", "problem_id", "roadmap_problem"),
    ]
