import django.db.models.deletion
from django.db import migrations, models

from productops.workspaces.schema import AddConstraint, AddIndex


class Migration(migrations.Migration):
    dependencies = [
        ("outcomes", "0006_flag"),
    ]

    operations = [
        migrations.CreateModel(
            name="Mark",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("metric_day", "metric_day"),
                            ("usage_day", "usage_day"),
                            ("problem", "problem"),
                            ("source", "source"),
                            ("audience", "audience"),
                            ("item", "item"),
                        ],
                        max_length=12,
                    ),
                ),
                ("subject_id", models.BigIntegerField()),
                ("series", models.CharField(blank=True, max_length=200)),
                ("on", models.DateField(null=True)),
                ("from_on", models.DateField(null=True)),
                ("generation", models.BigIntegerField(default=1)),
                ("cause", models.JSONField(default=dict)),
                ("marked_at", models.DateTimeField()),
                ("claimed_until", models.DateTimeField(null=True)),
                ("claimed_by", models.CharField(blank=True, max_length=40)),
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
        migrations.CreateModel(
            name="WorkspaceClock",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("judged_on", models.DateField()),
                ("moved_at", models.DateTimeField(auto_now=True)),
                (
                    "workspace",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="clock",
                        to="workspaces.workspace",
                    ),
                ),
            ],
        ),
        AddIndex(
            model_name="mark",
            index=models.Index(fields=["kind", "marked_at"], name="mark_oldest"),
        ),
        AddConstraint(
            model_name="mark",
            constraint=models.UniqueConstraint(
                fields=("kind", "subject_id", "series", "on"),
                name="one_mark_per_subject",
                nulls_distinct=False,
            ),
        ),
        AddConstraint(
            model_name="mark",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ("metric_day", "usage_day", "problem", "source", "audience", "item"))
                ),
                name="mark_kind_is_known",
            ),
        ),
    ]
