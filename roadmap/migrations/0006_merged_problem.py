import django.db.models.deletion
from django.db import migrations, models

from productops.workspaces.schema import belongs, workspace_key


class Migration(migrations.Migration):
    dependencies = [
        ("roadmap", "0005_search_indexes"),
        ("workspaces", "0004_change"),
    ]

    operations = [
        migrations.CreateModel(
            name="EvidenceRoute",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("external_id", models.CharField(blank=True, max_length=200)),
                (
                    "into",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="routed",
                        to="roadmap.problem",
                    ),
                ),
                (
                    "problem",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="routes",
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
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("problem", "external_id"), name="one_route_per_evidence"),
                    models.CheckConstraint(
                        condition=models.Q(("problem", models.F("into")), _negated=True),
                        name="evidence_is_routed_elsewhere",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProblemMerge",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("moved", models.JSONField(default=dict)),
                ("merged_at", models.DateTimeField(auto_now_add=True)),
                ("by", models.CharField(max_length=200)),
                ("undone_at", models.DateTimeField(null=True)),
                ("undone_by", models.CharField(blank=True, max_length=200)),
                (
                    "into",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="merged",
                        to="roadmap.problem",
                    ),
                ),
                (
                    "problem",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="merges",
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
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("undone_at__isnull", True)),
                        fields=("problem",),
                        name="one_standing_merge_per_problem",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("problem", models.F("into")), _negated=True),
                        name="a_problem_merges_into_another",
                    ),
                ],
            },
        ),
        workspace_key("roadmap_problemmerge"),
        belongs("roadmap_problemmerge", "problem_id", "roadmap_problem"),
        belongs("roadmap_problemmerge", "into_id", "roadmap_problem"),
        workspace_key("roadmap_evidenceroute"),
        belongs("roadmap_evidenceroute", "problem_id", "roadmap_problem"),
        belongs("roadmap_evidenceroute", "into_id", "roadmap_problem"),
    ]
