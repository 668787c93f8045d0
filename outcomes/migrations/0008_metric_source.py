import django.db.models.deletion
from django.db import migrations, models

from productops.workspaces.schema import belongs


class Migration(migrations.Migration):
    dependencies = [
        ("outcomes", "0007_mark_and_clock"),
        ("workspaces", "0001_workspace_person_and_key"),
    ]

    operations = [
        migrations.CreateModel(
            name="MetricSource",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "metric",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="metric_sources",
                        to="outcomes.metric",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
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
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("metric", "source"), name="one_row_per_metric_and_source")
                ],
            },
        ),
        belongs("outcomes_metricsource", "metric_id", "outcomes_metric"),
        belongs("outcomes_metricsource", "source_id", "outcomes_source"),
    ]
