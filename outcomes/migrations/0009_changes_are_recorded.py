from __future__ import annotations

from django.db import migrations

from productops.workspaces.schema import recorded

# The worker keeps a flag's numbers up to date; what a person did to it, or the clock, is its state.
NUMBERS = ["evidence", "recommendation", "holding_since", "opened_on", "is_suppressing"]


class Migration(migrations.Migration):
    dependencies = [
        ("outcomes", "0008_metric_source"),
        ("workspaces", "0004_change"),
    ]

    operations = [
        recorded("outcomes_metric", "metric"),
        recorded("outcomes_outcome", "outcome"),
        recorded("outcomes_source", "source", hidden=["token", "last_seen_at"]),
        recorded("outcomes_sourcesecret", "sourcesecret", hidden=["secret"]),
        recorded("outcomes_flag", "flag", hidden=NUMBERS),
        recorded("outcomes_scoringmodel", "scoringmodel", hidden=["is_used"]),
    ]
