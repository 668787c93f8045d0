from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workspaces", "0001_workspace_person_and_key")]

    operations = [
        migrations.AddField("member", "updated_at", models.DateTimeField(auto_now=True)),
        migrations.AddField("member", "version", models.PositiveIntegerField(default=1, editable=False)),
        migrations.CreateModel(
            name="Invitation",
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
                ("email", models.EmailField(max_length=254)),
                (
                    "role",
                    models.CharField(
                        choices=[("viewer", "Viewer"), ("editor", "Editor"), ("admin", "Admin")],
                        default="viewer",
                        max_length=10,
                    ),
                ),
                ("token_hash", models.CharField(editable=False, max_length=64, unique=True)),
                ("invited_by", models.CharField(blank=True, editable=False, max_length=200)),
                ("expires_at", models.DateTimeField()),
                ("accepted_at", models.DateTimeField(editable=False, null=True)),
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
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("accepted_at", None)),
                        fields=("workspace", "email"),
                        name="one_open_invitation_per_address",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["viewer", "editor", "admin"])),
                        name="invitation_role_is_known",
                    ),
                ],
            },
        ),
    ]
