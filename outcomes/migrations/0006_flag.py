import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from productops.workspaces.schema import AddConstraint, AddIndex, belongs, workspace_key


class Migration(migrations.Migration):
    dependencies = [
        ("outcomes", "0005_value_and_verdict"),
    ]

    operations = [
        migrations.CreateModel(
            name="Flag",
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
                    "reason",
                    models.CharField(
                        choices=[
                            ("never_adopted", "never_adopted"),
                            ("abandoned", "abandoned"),
                            ("under_used", "under_used"),
                            ("declining", "declining"),
                            ("missed_target", "missed_target"),
                            ("regression", "regression"),
                            ("stale_source", "stale_source"),
                        ],
                        max_length=14,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "open"),
                            ("acknowledged", "acknowledged"),
                            ("snoozed", "snoozed"),
                            ("resolved", "resolved"),
                            ("dismissed", "dismissed"),
                            ("accepted", "accepted"),
                        ],
                        default="open",
                        max_length=12,
                    ),
                ),
                ("opened_on", models.DateField()),
                ("holding_since", models.DateField()),
                ("resolved_on", models.DateField(null=True)),
                ("resolved_cause", models.CharField(blank=True, max_length=12)),
                ("snoozed_until", models.DateField(null=True)),
                ("dismiss_reason", models.TextField(blank=True)),
                ("is_suppressing", models.BooleanField(default=False)),
                ("recommendation", models.CharField(blank=True, max_length=40)),
                ("evidence", models.JSONField(default=dict)),
                (
                    "item",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="flags",
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
                (
                    "outcome",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="flags",
                        to="outcomes.outcome",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="flags",
                        to="outcomes.source",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="FlagAction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("action", models.CharField(max_length=12)),
                ("from_state", models.CharField(blank=True, max_length=12)),
                ("to_state", models.CharField(max_length=12)),
                (
                    "by",
                    models.CharField(
                        help_text="The person's or the key's name, or productops.", max_length=200
                    ),
                ),
                ("note", models.TextField(blank=True)),
                (
                    "flag",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="actions",
                        to="outcomes.flag",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                "abstract": False,
            },
        ),
        AddIndex(
            model_name="flag",
            index=models.Index(
                condition=models.Q(("state__in", ("open", "acknowledged", "snoozed"))),
                fields=["item"],
                name="flag_standing_by_item",
            ),
        ),
        AddConstraint(
            model_name="flag",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("open", "acknowledged", "snoozed"))),
                fields=("workspace", "reason", "item", "outcome", "source"),
                name="one_open_flag_per_subject_and_reason",
                nulls_distinct=False,
            ),
        ),
        AddConstraint(
            model_name="flag",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "reason__in",
                        (
                            "never_adopted",
                            "abandoned",
                            "under_used",
                            "declining",
                            "missed_target",
                            "regression",
                            "stale_source",
                        ),
                    )
                ),
                name="flag_reason_is_known",
            ),
        ),
        AddConstraint(
            model_name="flag",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ("open", "acknowledged", "snoozed", "resolved", "dismissed", "accepted"))
                ),
                name="flag_state_is_known",
            ),
        ),
        AddConstraint(
            model_name="flag",
            constraint=models.CheckConstraint(
                condition=models.Q(("item__isnull", False), ("source__isnull", False), _connector="OR"),
                name="a_flag_has_a_subject",
            ),
        ),
        AddConstraint(
            model_name="flag",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "snoozed"), _negated=True),
                    ("snoozed_until__isnull", False),
                    _connector="OR",
                ),
                name="a_snooze_has_an_end",
            ),
        ),
        workspace_key("outcomes_flag"),
        belongs("outcomes_flag", "item_id", "roadmap_item"),
        belongs("outcomes_flag", "outcome_id", "outcomes_outcome"),
        belongs("outcomes_flag", "source_id", "outcomes_source"),
        belongs("outcomes_flagaction", "flag_id", "outcomes_flag"),
    ]
