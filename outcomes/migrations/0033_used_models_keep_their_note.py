"""Why a scoring model that was used has its numbers stays as it is, like the numbers."""

from __future__ import annotations

from django.db import migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION outcomes_used_model_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.is_active THEN
        NEW.is_used := true;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.is_used
       AND (NEW.weights, {note} NEW.version, NEW.workspace_id, NEW.is_used)
           IS DISTINCT FROM (OLD.weights, {was} OLD.version, OLD.workspace_id, OLD.is_used) THEN
        RAISE EXCEPTION 'scoring model % was used and stays as it is', OLD.version
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_used_scoring_model_stays_as_it_is',
                  TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("outcomes", "0032_effects_in_order")]

    operations = [
        migrations.RunSQL(
            FUNCTION.format(note="NEW.note,", was="OLD.note,"), FUNCTION.format(note="", was="")
        ),
    ]
