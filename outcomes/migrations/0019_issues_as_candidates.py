import django.db.models.deletion
from django.db import migrations, models

from productops.workspaces.schema import AddConstraint, belongs

KINDS = ("event", "item", "metric", "experiment", "evidence")


class Migration(migrations.Migration):
    dependencies = [
        ("outcomes", "0018_replay"),
        ("roadmap", "0006_merged_problem"),
    ]

    operations = [
        migrations.AddField(
            model_name="candidate",
            name="problem",
            field=models.ForeignKey(
                db_constraint=False,
                editable=False,
                help_text="What an issue was accepted as evidence for.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="roadmap.problem",
            ),
        ),
        migrations.AlterField(
            model_name="candidate",
            name="kind",
            field=models.CharField(choices=[(kind, kind) for kind in KINDS], editable=False, max_length=10),
        ),
        migrations.RemoveConstraint(model_name="candidate", name="candidate_kind_is_known"),
        AddConstraint(
            model_name="candidate",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", KINDS)), name="candidate_kind_is_known"
            ),
        ),
        AddConstraint(
            model_name="candidate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("problem__isnull", True),
                    models.Q(("kind", "evidence"), ("state", "accepted")),
                    _connector="XOR",
                ),
                name="accepted_evidence_has_a_problem",
            ),
        ),
        belongs("outcomes_candidate", "problem_id", "roadmap_problem"),
    ]
