from __future__ import annotations

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.functions.text
from django.db import migrations, models

from productops.workspaces.schema import AddIndex


class Migration(migrations.Migration):
    dependencies = [
        ("roadmap", "0004_changes_are_recorded"),
        ("workspaces", "0004_change"),
    ]

    operations = [
        # Longer texts could not be indexed; the database need not hear of it.
        migrations.AlterField("item", "summary", models.TextField(blank=True, max_length=100_000)),
        migrations.AlterField("item", "hypothesis", models.TextField(blank=True, max_length=100_000)),
        migrations.AlterField("problem", "description", models.TextField(blank=True, max_length=100_000)),
        migrations.AlterField("evidence", "quote", models.TextField(blank=True, max_length=100_000)),
        AddIndex(
            model_name="customer",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.search.SearchVector("name", "key", "segment", config="english"),
                name="customer_by_words",
            ),
        ),
        AddIndex(
            model_name="customer",
            index=models.Index(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("key"), name="text_pattern_ops"
                ),
                name="customer_by_beginning_of_key",
            ),
        ),
        AddIndex(
            model_name="evidence",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.search.SearchVector("quote", "external_id", config="english"),
                name="evidence_by_words",
            ),
        ),
        AddIndex(
            model_name="item",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.search.SearchVector(
                    "title", "summary", "hypothesis", "key", config="english"
                ),
                name="item_by_words",
            ),
        ),
        AddIndex(
            model_name="item",
            index=models.Index(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("key"), name="text_pattern_ops"
                ),
                name="item_by_beginning_of_key",
            ),
        ),
        AddIndex(
            model_name="problem",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.search.SearchVector("title", "description", "key", config="english"),
                name="problem_by_words",
            ),
        ),
        AddIndex(
            model_name="problem",
            index=models.Index(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("key"), name="text_pattern_ops"
                ),
                name="problem_by_beginning_of_key",
            ),
        ),
    ]
