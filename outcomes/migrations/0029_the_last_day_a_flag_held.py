from django.db import migrations, models

from productops.workspaces.schema import recorded

# The worker keeps a flag's numbers up to date; what a person did to it, or the clock, is its state.
NUMBERS = [
    "evidence",
    "recommendation",
    "holding_since",
    "opened_on",
    "judged_on",
    "is_suppressing",
    "is_ahead",
]

FILL = """
    UPDATE outcomes_flag SET judged_on = greatest((evidence ->> 'as_of')::date, opened_on)
    WHERE evidence ? 'as_of'
"""


class Migration(migrations.Migration):
    dependencies = [("outcomes", "0028_effects_keep_their_id")]

    operations = [
        migrations.AddField("flag", "judged_on", models.DateField(editable=False, null=True)),
        recorded("outcomes_flag", "flag", hidden=NUMBERS),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
