from datetime import date, timedelta

from django.db import migrations, models
from django.utils import timezone

from productops.workspaces.schema import AddConstraint

FIRST, LAST = date(1990, 1, 1), date(2199, 12, 31)


def unpin(apps, schema_editor):
    """A pin before there were facts or yet to come has only ever jammed its workspace: now its clock runs again."""
    latest = timezone.now().date() + timedelta(days=1)
    held = apps.get_model("workspaces", "Workspace").objects.filter(pinned_on__isnull=False)
    held.exclude(pinned_on__range=(FIRST, latest)).update(pinned_on=None)


class Migration(migrations.Migration):
    dependencies = [
        ("workspaces", "0004_change"),
    ]

    operations = [
        migrations.RunPython(unpin, migrations.RunPython.noop),
        AddConstraint(
            model_name="workspace",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("pinned_on__isnull", True), ("pinned_on__range", (FIRST, LAST)), _connector="OR"
                ),
                name="workspace_pin_is_a_day_of_facts",
            ),
        ),
    ]
