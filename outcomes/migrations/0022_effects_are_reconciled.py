from django.db import migrations, models
from django.db.models import Q

from productops.workspaces.schema import AddConstraint

STAGES = ("metrics", "usage", "problems", "audiences", "effects", "items", "done")


class Migration(migrations.Migration):
    dependencies = [("outcomes", "0021_the_day_of_a_result")]

    operations = [
        migrations.RemoveConstraint("reconciliation", "reconciliation_stage_is_known"),
        migrations.AlterField(
            "reconciliation",
            "stage",
            models.CharField(choices=[(s, s) for s in STAGES], default="metrics", max_length=10),
        ),
        AddConstraint(
            "reconciliation",
            models.CheckConstraint(condition=Q(stage__in=STAGES), name="reconciliation_stage_is_known"),
        ),
    ]
