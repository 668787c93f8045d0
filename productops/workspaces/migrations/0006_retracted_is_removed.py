from __future__ import annotations

from importlib import import_module

from django.db import migrations

# What a source took back stays as a row that nobody sees: for whoever reads the changes it is not there.
RECORD = """
CREATE OR REPLACE FUNCTION workspaces_record_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    hidden CONSTANT text[] := TG_ARGV[1];
    whole_before CONSTANT jsonb := to_jsonb(OLD);
    whole_after CONSTANT jsonb := to_jsonb(NEW);
    whole CONSTANT jsonb := coalesce(whole_after, whole_before);
    before CONSTANT jsonb := whole_before - hidden;
    after CONSTANT jsonb := whole_after - hidden;
    who CONSTANT jsonb := coalesce(nullif(current_setting('productops.actor', true), ''), '{}');
    was_there CONSTANT boolean := TG_OP <> 'INSERT' AND whole_before ->> 'is_retracted' IS DISTINCT FROM 'true';
    is_there CONSTANT boolean := TG_OP <> 'DELETE' AND whole_after ->> 'is_retracted' IS DISTINCT FROM 'true';
    done text;
    said jsonb;
BEGIN
    IF NOT was_there AND NOT is_there THEN
        RETURN NULL;
    ELSIF NOT was_there THEN
        done := 'created';
        said := jsonb_strip_nulls(after);
    ELSIF NOT is_there THEN
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
_BEFORE = import_module("productops.workspaces.migrations.0004_change").RECORD


class Migration(migrations.Migration):
    dependencies = [("workspaces", "0005_a_pin_is_a_day_of_facts")]

    operations = [
        migrations.RunSQL(RECORD, _BEFORE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")),
    ]
