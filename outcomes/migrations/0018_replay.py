import django.db.models.deletion
from django.db import migrations, models

from productops.workspaces.schema import AddConstraint, AddIndex, belongs, workspace_key


class Migration(migrations.Migration):
    dependencies = [
        ("outcomes", "0017_experiments"),
        ("workspaces", "0004_change"),
    ]

    operations = [
        migrations.CreateModel(
            name="Replay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("asked_by", models.CharField(editable=False, max_length=200)),
                ("asked_at", models.DateTimeField(auto_now_add=True)),
                (
                    "last_id",
                    models.BigIntegerField(editable=False, help_text="The newest delivery that is meant."),
                ),
                ("reached_id", models.BigIntegerField(default=0, editable=False)),
                ("total", models.PositiveIntegerField(editable=False, null=True)),
                ("fed", models.PositiveIntegerField(default=0, editable=False)),
                ("finished_at", models.DateTimeField(editable=False, null=True)),
                (
                    "candidate",
                    models.ForeignKey(
                        db_constraint=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="outcomes.candidate",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="replays",
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
        migrations.AddField(
            model_name="delivery",
            name="replay_id",
            field=models.BigIntegerField(editable=False, null=True),
        ),
        AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("replay_id__isnull", False), ("state", "pending")),
                fields=["replay_id"],
                name="delivery_replayed",
            ),
        ),
        AddIndex(
            model_name="replay",
            index=models.Index(
                condition=models.Q(("finished_at", None)), fields=["id"], name="replay_unfinished"
            ),
        ),
        AddConstraint(
            model_name="replay",
            constraint=models.CheckConstraint(
                condition=models.Q(("fed__gte", 0), ("reached_id__gte", 0)), name="replay_goes_forward"
            ),
        ),
        AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state__in", ["partial", "failed", "quarantined"])),
                fields=["source", "-received_at"],
                name="delivery_troubled",
            ),
        ),
        workspace_key("outcomes_replay"),
        belongs("outcomes_replay", "source_id", "outcomes_source"),
        belongs("outcomes_replay", "candidate_id", "outcomes_candidate"),
    ]
