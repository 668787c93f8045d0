from django.db import migrations, models
from django.db.models import F, Q

from productops.workspaces.schema import AddConstraint

_OVER = ["ended", "decided"]

# What was planned and what a person ended is not told apart in what is stored: each keeps the day it had.
FILL = "UPDATE outcomes_experiment SET result_on = ended_on WHERE state IN ('ended', 'decided')"


class Migration(migrations.Migration):
    dependencies = [("outcomes", "0020_lists_in_order")]

    operations = [
        migrations.AddField(
            model_name="experiment",
            name="result_on",
            field=models.DateField(blank=True, editable=False, null=True),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        # Row by row the triggers above wait for the end of the transaction; a table cannot be altered before.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(
                condition=Q(state__in=_OVER, result_on__gte=F("ended_on"))
                | (~Q(state__in=_OVER) & Q(result_on__isnull=True)),
                name="an_experiment_that_ended_has_a_result_s_day",
            ),
        ),
    ]
