from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("outcomes", "0025_sources_take_turns"),
    ]

    # A rolled-up day with a number beyond 1e100 makes every sum over it overflow. Such numbers count as not told
    # by now; the nightly reconciliation computes the day from the rest of its observations.
    operations = [
        migrations.RunSQL(
            "DELETE FROM outcomes_metricday WHERE low < -1e100 OR high > 1e100", migrations.RunSQL.noop
        ),
    ]
