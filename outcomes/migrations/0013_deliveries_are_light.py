"""Accepting a delivery costs as little as it can, and old bodies are found without reading what is kept."""

from __future__ import annotations

from django.db import migrations, models

from productops.workspaces.schema import AddIndex

# The source's key holds the workspace too, and both columns lead an index of their own already.
_REDUNDANT = """
    DO $$
    DECLARE name text;
    BEGIN
        FOR name IN
            SELECT conname FROM pg_constraint
            WHERE conrelid = 'outcomes_delivery'::regclass AND contype = 'f'
              AND confrelid = 'workspaces_workspace'::regclass
        LOOP
            EXECUTE format('ALTER TABLE outcomes_delivery DROP CONSTRAINT %I', name);
        END LOOP;
        FOR name IN
            SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE i.indrelid = 'outcomes_delivery'::regclass AND NOT i.indisunique AND i.indpred IS NULL
              AND i.indnatts = 1
        LOOP
            EXECUTE format('DROP INDEX %I', name);
        END LOOP;
    END $$
"""


class Migration(migrations.Migration):
    dependencies = [("outcomes", "0012_what_was_used_stays")]

    operations = [
        migrations.RunSQL(_REDUNDANT, migrations.RunSQL.noop),
        AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(body__isnull=False), fields=["received_at"], name="delivery_with_body"
            ),
        ),
        AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(state__in=("failed", "quarantined")),
                fields=["workspace", "source"],
                name="delivery_set_aside",
            ),
        ),
    ]
