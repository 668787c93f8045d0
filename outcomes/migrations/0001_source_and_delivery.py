import django.db.models.deletion
from django.db import migrations, models

import outcomes.models.sources
import roadmap.models.keyed
from productops.workspaces.schema import AddConstraint, AddIndex, belongs, workspace_key


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("roadmap", "0003_item_link_and_release"),
        ("workspaces", "0001_workspace_person_and_key"),
    ]

    operations = [
        migrations.CreateModel(
            name="Source",
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
                ("name", models.CharField(max_length=200)),
                (
                    "kind",
                    models.CharField(
                        choices=[("productops", "productops")], default="productops", max_length=20
                    ),
                ),
                (
                    "cadence",
                    models.CharField(
                        choices=[
                            ("hourly", "hourly"),
                            ("daily", "daily"),
                            ("weekly", "weekly"),
                            ("monthly", "monthly"),
                            ("quarterly", "quarterly"),
                        ],
                        default="daily",
                        max_length=10,
                    ),
                ),
                (
                    "token",
                    models.CharField(
                        default=outcomes.models.sources.new_token, editable=False, max_length=64, unique=True
                    ),
                ),
                ("last_seen_at", models.DateTimeField(editable=False, null=True)),
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
            name="SourceDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("on", models.DateField()),
                ("has_usage", models.BooleanField(default=False)),
                ("has_observations", models.BooleanField(default=False)),
                ("is_stated", models.BooleanField(default=False)),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="days",
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
            name="SourceSecret",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("secret", models.CharField(editable=False, max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="secrets",
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
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "external_id",
                    models.CharField(help_text="The sender's id for this delivery.", max_length=200),
                ),
                ("body", models.BinaryField(null=True)),
                ("body_sha256", models.BinaryField(max_length=32)),
                ("body_bytes", models.PositiveIntegerField(editable=False)),
                ("content_type", models.CharField(blank=True, max_length=200)),
                ("signed_at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "pending"),
                            ("done", "done"),
                            ("partial", "partial"),
                            ("failed", "failed"),
                            ("quarantined", "quarantined"),
                        ],
                        default="pending",
                        max_length=12,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("retry_at", models.DateTimeField(null=True)),
                ("interpreted_at", models.DateTimeField(null=True)),
                ("taken", models.PositiveIntegerField(default=0)),
                ("duplicates", models.PositiveIntegerField(default=0)),
                ("refused", models.PositiveIntegerField(default=0)),
                ("outcome", models.JSONField(default=dict)),
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
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="outcomes.source",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
            },
        ),
        AddConstraint(
            model_name="source",
            constraint=models.UniqueConstraint(fields=("workspace", "key"), name="one_source_per_key"),
        ),
        AddConstraint(
            model_name="source",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("key__regex", "^[A-Za-z0-9_-]+$"),
                    models.Q(("key__regex", "^[0-9]+$"), _negated=True),
                    models.Q(("key", "bulk"), _negated=True),
                ),
                name="source_key_is_well_formed",
            ),
        ),
        AddConstraint(
            model_name="source",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ("productops",))), name="source_kind_is_known"
            ),
        ),
        AddConstraint(
            model_name="source",
            constraint=models.CheckConstraint(
                condition=models.Q(("cadence__in", ("hourly", "daily", "weekly", "monthly", "quarterly"))),
                name="source_cadence_is_known",
            ),
        ),
        AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "pending")), fields=["id"], name="delivery_pending"
            ),
        ),
        AddIndex(
            model_name="delivery",
            index=models.Index(fields=["workspace", "-received_at", "-id"], name="delivery_newest"),
        ),
        AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                fields=("source", "external_id"), name="one_delivery_per_source_and_id"
            ),
        ),
        AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ("pending", "done", "partial", "failed", "quarantined"))),
                name="delivery_state_is_known",
            ),
        ),
        AddConstraint(
            model_name="sourceday",
            constraint=models.UniqueConstraint(fields=("source", "on"), name="one_row_per_source_and_day"),
        ),
        workspace_key("outcomes_source"),
        belongs("outcomes_sourcesecret", "source_id", "outcomes_source"),
        belongs("outcomes_sourceday", "source_id", "outcomes_source"),
        belongs("outcomes_delivery", "source_id", "outcomes_source"),
    ]
