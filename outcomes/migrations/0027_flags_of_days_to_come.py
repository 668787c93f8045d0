from django.db import migrations, models
from django.db.models import F, Q

from productops.workspaces.schema import recorded

OPEN_STATES = ("open", "acknowledged", "snoozed")
# The worker keeps a flag's numbers up to date; what a person did to it, or the clock, is its state.
NUMBERS = ["evidence", "recommendation", "holding_since", "opened_on", "is_suppressing", "is_ahead"]


class Migration(migrations.Migration):
    dependencies = [("outcomes", "0026_days_that_overflow")]

    operations = [
        # A pin to the past had resolved flags before the day they opened on.
        migrations.RunSQL(
            "UPDATE outcomes_flag SET resolved_on = opened_on WHERE resolved_on < opened_on",
            migrations.RunSQL.noop,
        ),
        # A table whose triggers wait for the end of the transaction cannot be altered before it.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.AddField("flag", "is_ahead", models.BooleanField(default=False, editable=False)),
        recorded("outcomes_flag", "flag", hidden=NUMBERS),
        migrations.RemoveConstraint("flag", "one_open_flag_per_subject_and_reason"),
        migrations.AddConstraint(
            "flag",
            models.UniqueConstraint(
                fields=["workspace", "reason", "item", "outcome", "source"],
                condition=Q(state__in=OPEN_STATES, is_ahead=False),
                nulls_distinct=False,
                name="one_open_flag_per_subject_and_reason",
            ),
        ),
        migrations.AddConstraint(
            "flag",
            models.CheckConstraint(
                condition=Q(resolved_on__gte=F("opened_on")), name="a_flag_resolves_after_it_opened"
            ),
        ),
    ]
