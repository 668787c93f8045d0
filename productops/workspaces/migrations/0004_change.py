from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from productops.workspaces.schema import recorded

# What a Change holds is said by the row itself and by the setting that `productops.workspaces.attribution` makes.
RECORD = """
CREATE FUNCTION workspaces_record_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    hidden CONSTANT text[] := TG_ARGV[1];
    whole_before CONSTANT jsonb := to_jsonb(OLD);
    whole_after CONSTANT jsonb := to_jsonb(NEW);
    whole CONSTANT jsonb := coalesce(whole_after, whole_before);
    before CONSTANT jsonb := whole_before - hidden;
    after CONSTANT jsonb := whole_after - hidden;
    who CONSTANT jsonb := coalesce(nullif(current_setting('productops.actor', true), ''), '{}');
    done text;
    said jsonb;
BEGIN
    IF TG_OP = 'INSERT' THEN
        done := 'created';
        said := jsonb_strip_nulls(after);
    ELSIF TG_OP = 'DELETE' THEN
        done := 'removed';
        said := jsonb_strip_nulls(before);
    ELSE
        IF before = after THEN
            RETURN NULL;
        END IF;
        SELECT jsonb_object_agg(name, jsonb_build_array(before -> name, after -> name)) INTO said
        FROM jsonb_object_keys(after) AS name WHERE before -> name IS DISTINCT FROM after -> name;
        done := CASE WHEN NOT said ? 'archived_at' THEN 'edited'
                     WHEN after ->> 'archived_at' IS NULL THEN 'restored' ELSE 'archived' END;
    END IF;
    INSERT INTO workspaces_change (workspace_id, position, at, type, object_id, object_key, action,
                                   user_id, by, via, request_id, "values")
    VALUES (
        coalesce((whole ->> 'workspace_id')::bigint, (whole ->> 'id')::bigint),
        pg_current_xact_id()::text::bigint + (SELECT coalesce(max(shift), 0) FROM workspaces_changeshift),
        clock_timestamp(), TG_ARGV[0], (whole ->> 'id')::bigint, coalesce(whole ->> 'key', ''), done,
        (who ->> 'user')::bigint, coalesce(left(who ->> 'by', 200), ''), coalesce(who ->> 'via', ''),
        coalesce(left(who ->> 'request', 64), ''), said
    );
    RETURN NULL;
END $$;
"""

# Removing a workspace removes what was written down of it, the removals of its rows included.
FORGET = """
CREATE FUNCTION workspaces_forget_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM workspaces_change WHERE workspace_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER workspaces_workspace_x_forgotten AFTER DELETE ON workspaces_workspace
FOR EACH ROW EXECUTE FUNCTION workspaces_forget_changes();
"""


class Migration(migrations.Migration):
    dependencies = [("workspaces", "0003_kept_answer")]

    operations = [
        migrations.CreateModel(
            name="Change",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("type", models.CharField(max_length=40)),
                ("object_id", models.BigIntegerField()),
                (
                    "object_key",
                    models.CharField(
                        blank=True, help_text="Its key, if it has one, at the time.", max_length=200
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("created", "created"),
                            ("edited", "edited"),
                            ("archived", "archived"),
                            ("restored", "restored"),
                            ("removed", "removed"),
                        ],
                        max_length=10,
                    ),
                ),
                ("user_id", models.BigIntegerField(null=True)),
                (
                    "by",
                    models.CharField(
                        blank=True, help_text="The person's, key's or source's name.", max_length=200
                    ),
                ),
                ("via", models.CharField(blank=True, max_length=10)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("values", models.JSONField()),
                (
                    "workspace",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("action__in", ("created", "edited", "archived", "restored", "removed"))
                        ),
                        name="change_action_is_known",
                    ),
                ],
                "indexes": [
                    models.Index(
                        models.F("workspace"),
                        models.F("position"),
                        models.F("id"),
                        name="change_by_position",
                    ),
                    models.Index(
                        models.F("workspace"),
                        models.F("type"),
                        models.F("object_id"),
                        models.F("position"),
                        models.F("id"),
                        name="change_by_object",
                    ),
                ],
            },
        ),
        migrations.RunSQL(
            "CREATE TABLE workspaces_changeshift (shift bigint NOT NULL);"
            " INSERT INTO workspaces_changeshift VALUES (0)",
            "DROP TABLE workspaces_changeshift",
        ),
        migrations.RunSQL(RECORD, "DROP FUNCTION workspaces_record_change()"),
        migrations.RunSQL(
            FORGET,
            "DROP TRIGGER workspaces_workspace_x_forgotten ON workspaces_workspace;"
            " DROP FUNCTION workspaces_forget_changes()",
        ),
        recorded("workspaces_workspace", "workspace", hidden=["actor_key"]),
        recorded("workspaces_member", "member"),
        recorded("workspaces_apikey", "apikey", hidden=["secret_hash", "last_used_at"]),
        recorded("workspaces_invitation", "invitation", hidden=["token_hash"]),
    ]
