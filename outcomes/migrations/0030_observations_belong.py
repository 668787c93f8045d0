"""Whose an observation is, looked at once a statement instead of twice a row: half of what writing a row cost."""

from django.db import migrations

# What the two foreign keys did, in the same order of locks: whoever writes holds the metric and the source until its
# transaction ends, and whoever deletes one waits, then takes along what was written meanwhile.
HOLD = """
CREATE FUNCTION outcomes_observations_belong() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT DISTINCT workspace_id, metric_id FROM stated ORDER BY workspace_id, metric_id LOOP
        PERFORM FROM outcomes_metric
            WHERE id = one.metric_id AND workspace_id = one.workspace_id FOR KEY SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'an observation names a metric that is not in its workspace'
                USING ERRCODE = 'foreign_key_violation', TABLE = 'outcomes_observation',
                      CONSTRAINT = 'outcomes_observation_metric_id_in_workspace',
                      DETAIL = format('(workspace_id, metric_id)=(%s, %s)', one.workspace_id, one.metric_id);
        END IF;
    END LOOP;
    FOR one IN SELECT DISTINCT workspace_id, source_id FROM stated ORDER BY workspace_id, source_id LOOP
        PERFORM FROM outcomes_source
            WHERE id = one.source_id AND workspace_id = one.workspace_id FOR KEY SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'an observation names a source that is not in its workspace'
                USING ERRCODE = 'foreign_key_violation', TABLE = 'outcomes_observation',
                      CONSTRAINT = 'outcomes_observation_source_id_in_workspace',
                      DETAIL = format('(workspace_id, source_id)=(%s, %s)', one.workspace_id, one.source_id);
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

-- A statement fires the triggers of the table it names alone, so each partition has them, too.
CREATE FUNCTION outcomes_hold_observations(held regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER inserted_observations_belong AFTER INSERT ON %s REFERENCING NEW TABLE AS stated'
                   ' FOR EACH STATEMENT EXECUTE FUNCTION outcomes_observations_belong()', held);
    EXECUTE format('CREATE TRIGGER updated_observations_belong AFTER UPDATE ON %s REFERENCING NEW TABLE AS stated'
                   ' FOR EACH STATEMENT EXECUTE FUNCTION outcomes_observations_belong()', held);
END $$;

CREATE FUNCTION outcomes_take_observations_along() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        -- It would not see what was written since it began, and leave that behind.
        RAISE EXCEPTION 'what has observations is deleted in a transaction that reads what is committed'
            USING ERRCODE = 'feature_not_supported';
    END IF;
    EXECUTE format('DELETE FROM outcomes_observation WHERE workspace_id = $1 AND %I = $2', TG_ARGV[0])
        USING OLD.workspace_id, OLD.id;
    RETURN NULL;
END $$;

CREATE FUNCTION outcomes_observed_keeps_its_key() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_observed boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM outcomes_observation WHERE workspace_id = $1 AND %I = $2)',
                   TG_ARGV[0]) INTO is_observed USING OLD.workspace_id, OLD.id;
    IF is_observed THEN
        RAISE EXCEPTION 'what has observations keeps its id and its workspace'
            USING ERRCODE = 'foreign_key_violation', TABLE = 'outcomes_observation',
                  CONSTRAINT = format('outcomes_observation_%s_in_workspace', TG_ARGV[0]);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION outcomes_observed_is_not_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM outcomes_observation) THEN
        RAISE EXCEPTION 'observations would be left behind' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;

DO $$
DECLARE
    part regclass;
BEGIN
    PERFORM outcomes_hold_observations('outcomes_observation');
    FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'outcomes_observation'::regclass LOOP
        PERFORM outcomes_hold_observations(part);
    END LOOP;
END $$;
"""

_TARGETS = (("outcomes_metric", "metric_id"), ("outcomes_source", "source_id"))

FOLLOW = "".join(
    f"""
CREATE TRIGGER {target}_takes_observations_along AFTER DELETE ON {target}
    FOR EACH ROW EXECUTE FUNCTION outcomes_take_observations_along('{column}');
CREATE TRIGGER {target}_keeps_its_key AFTER UPDATE OF id, workspace_id ON {target} FOR EACH ROW
    WHEN ((OLD.id, OLD.workspace_id) IS DISTINCT FROM (NEW.id, NEW.workspace_id))
    EXECUTE FUNCTION outcomes_observed_keeps_its_key('{column}');
CREATE TRIGGER {target}_is_not_truncated AFTER TRUNCATE ON {target}
    FOR EACH STATEMENT EXECUTE FUNCTION outcomes_observed_is_not_truncated();
ALTER TABLE outcomes_observation DROP CONSTRAINT outcomes_observation_{column}_in_workspace;
"""
    for target, column in _TARGETS
)

BACK = (
    "".join(
        f"""
ALTER TABLE outcomes_observation ADD CONSTRAINT outcomes_observation_{column}_in_workspace
    FOREIGN KEY (workspace_id, {column}) REFERENCES {target} (workspace_id, id) ON DELETE CASCADE;
"""
        for target, column in _TARGETS
    )
    + """
DROP FUNCTION outcomes_observations_belong() CASCADE;
DROP FUNCTION outcomes_hold_observations(regclass);
DROP FUNCTION outcomes_take_observations_along() CASCADE;
DROP FUNCTION outcomes_observed_keeps_its_key() CASCADE;
DROP FUNCTION outcomes_observed_is_not_truncated() CASCADE;
"""
)


class Migration(migrations.Migration):
    dependencies = [
        ("outcomes", "0029_the_last_day_a_flag_held"),
    ]

    operations = [migrations.RunSQL(HOLD + FOLLOW, BACK)]
