from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("outcomes", "0013_deliveries_are_light"),
        ("workspaces", "0004_change"),
    ]

    operations = [
        migrations.CreateModel(
            name="FileImport",
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
                            ("products", "products"),
                            ("customers", "customers"),
                            ("problems", "problems"),
                            ("items", "items"),
                            ("links", "links"),
                            ("evidence", "evidence"),
                            ("surveys", "surveys"),
                            ("metrics", "metrics"),
                            ("outcomes", "outcomes"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        blank=True, help_text="The file's name, if it was said.", max_length=200
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "pending"),
                            ("done", "done"),
                            ("refused", "refused"),
                            ("failed", "failed"),
                        ],
                        max_length=8,
                    ),
                ),
                ("is_dry_run", models.BooleanField(default=False)),
                ("created", models.PositiveIntegerField(default=0)),
                ("updated", models.PositiveIntegerField(default=0)),
                ("unchanged", models.PositiveIntegerField(default=0)),
                ("refused", models.PositiveIntegerField(default=0)),
                ("complaints", models.JSONField(default=list)),
                ("complaints_left_out", models.PositiveIntegerField(default=0)),
                ("body", models.BinaryField(null=True)),
                ("body_bytes", models.PositiveIntegerField(editable=False)),
                ("read_bytes", models.PositiveIntegerField(default=0, editable=False)),
                ("user_id", models.BigIntegerField(editable=False, null=True)),
                ("by", models.CharField(blank=True, editable=False, max_length=200)),
                ("via", models.CharField(blank=True, editable=False, max_length=10)),
                ("attempts", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("retry_at", models.DateTimeField(editable=False, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(editable=False, null=True)),
                (
                    "workspace",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "verbose_name": "import",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "pending")), fields=["id"], name="file_import_pending"
                    ),
                    models.Index(
                        models.F("workspace"),
                        models.OrderBy(models.F("created_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="file_import_newest",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                (
                                    "products",
                                    "customers",
                                    "problems",
                                    "items",
                                    "links",
                                    "evidence",
                                    "surveys",
                                    "metrics",
                                    "outcomes",
                                ),
                            )
                        ),
                        name="file_import_kind_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ("pending", "done", "refused", "failed"))),
                        name="file_import_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "pending"), _negated=True),
                            ("body__isnull", False),
                            _connector="OR",
                        ),
                        name="a_pending_import_has_its_file",
                    ),
                ],
            },
        ),
    ]
