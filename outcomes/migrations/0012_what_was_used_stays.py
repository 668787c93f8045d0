"""A scoring model that was used, and the history of values, stay as they are; the database says so itself."""

from __future__ import annotations

from django.db import migrations, models

from productops.workspaces.schema import recorded

USED_MODELS_STAY = """
CREATE FUNCTION outcomes_used_model_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.is_active THEN
        NEW.is_used := true;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.is_used
       AND (NEW.weights, NEW.version, NEW.workspace_id, NEW.is_used)
           IS DISTINCT FROM (OLD.weights, OLD.version, OLD.workspace_id, OLD.is_used) THEN
        RAISE EXCEPTION 'scoring model % was used and stays as it is', OLD.version
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_used_scoring_model_stays_as_it_is',
                  TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER outcomes_scoringmodel_stays BEFORE INSERT OR UPDATE ON outcomes_scoringmodel
FOR EACH ROW EXECUTE FUNCTION outcomes_used_model_stays();

CREATE FUNCTION outcomes_used_model_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.is_used AND EXISTS (SELECT FROM workspaces_workspace WHERE id = OLD.workspace_id) THEN
        RAISE EXCEPTION 'scoring model % was used and is kept', OLD.version
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_used_scoring_model_is_kept', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$;
-- Deferred: a workspace that goes takes its rows with it, whichever goes first.
CREATE CONSTRAINT TRIGGER outcomes_scoringmodel_kept AFTER DELETE ON outcomes_scoringmodel
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION outcomes_used_model_is_kept();
"""
LET_MODELS_GO = """
DROP TRIGGER outcomes_scoringmodel_kept ON outcomes_scoringmodel;
DROP FUNCTION outcomes_used_model_is_kept();
DROP TRIGGER outcomes_scoringmodel_stays ON outcomes_scoringmodel;
DROP FUNCTION outcomes_used_model_stays();
"""

HISTORY_STAYS = """
CREATE FUNCTION outcomes_history_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of values is append-only'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'value_history_is_append_only', TABLE = TG_TABLE_NAME;
END $$;
CREATE TRIGGER outcomes_valuerecord_stays BEFORE UPDATE ON outcomes_valuerecord
FOR EACH ROW EXECUTE FUNCTION outcomes_history_stays();

CREATE FUNCTION outcomes_history_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM roadmap_item WHERE workspace_id = OLD.workspace_id AND id = OLD.item_id) THEN
        RAISE EXCEPTION 'the history of values is append-only'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'value_history_is_append_only', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$;
-- Deferred: an item that goes, or its workspace, takes its history with it, whichever goes first.
CREATE CONSTRAINT TRIGGER outcomes_valuerecord_kept AFTER DELETE ON outcomes_valuerecord
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION outcomes_history_is_kept();
"""
LET_HISTORY_GO = """
DROP TRIGGER outcomes_valuerecord_kept ON outcomes_valuerecord;
DROP FUNCTION outcomes_history_is_kept();
DROP TRIGGER outcomes_valuerecord_stays ON outcomes_valuerecord;
DROP FUNCTION outcomes_history_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("outcomes", "0011_effect")]

    operations = [
        migrations.AddField(
            "scoringmodel", "revision", models.PositiveIntegerField(default=1, editable=False)
        ),
        migrations.AddField(
            "scoringmodel",
            "note",
            models.CharField(blank=True, default="", help_text="Why these numbers.", max_length=500),
            preserve_default=False,
        ),
        migrations.AddField("scoringmodel", "activated_at", models.DateTimeField(editable=False, null=True)),
        migrations.AddField("scoringmodel", "switched", models.JSONField(editable=False, null=True)),
        migrations.AlterField(
            "scoringmodel", "is_active", models.BooleanField(default=False, editable=False)
        ),
        migrations.AlterField("scoringmodel", "is_used", models.BooleanField(default=False, editable=False)),
        migrations.RunSQL("UPDATE outcomes_scoringmodel SET is_used = true WHERE is_active", ""),
        migrations.RunSQL(USED_MODELS_STAY, LET_MODELS_GO),
        migrations.RunSQL(HISTORY_STAYS, LET_HISTORY_GO),
        recorded("outcomes_scoringmodel", "scoringmodel", hidden=["is_used", "revision", "switched"]),
    ]
