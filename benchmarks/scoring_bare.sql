-- Reads the rollups that scoring reads and writes as many values, usage and history rows, in one statement.
WITH who AS (
    SELECT item_id, actor, bool_or("on" > %(pin)s::date - 28) AS now,
           bool_or("on" <= %(pin)s::date - 28 AND "on" > %(pin)s::date - 56) AS before,
           bool_or("on" <= %(pin)s::date - 56) AS long_before, max("on") AS newest
    FROM outcomes_usageday WHERE workspace_id = %(w)s AND "on" BETWEEN %(pin)s::date - 91 AND %(pin)s
    GROUP BY item_id, actor
), used AS (
    SELECT item_id, count(*) FILTER (WHERE now) AS active, count(*) FILTER (WHERE before) AS previous,
           count(*) FILTER (WHERE now AND before) AS still,
           count(*) FILTER (WHERE before AND long_before) AS still_before, max(newest) AS newest
    FROM who GROUP BY item_id
), levels AS (
    SELECT o.item_id, o.id, o.weight, o.target, m.key,
           (SELECT CASE m.aggregation WHEN 'mean' THEN sum(d.total) / nullif(sum(d.count), 0)
                                   WHEN 'sum' THEN sum(d.total) FILTER (WHERE d."on" < %(pin)s) / 27
                                   ELSE (array_agg(d.last ORDER BY d.last_at DESC))[1] END
         FROM outcomes_metricday d WHERE d.metric_id = o.metric_id AND d."on" BETWEEN %(pin)s::date - 27 AND %(pin)s::date) AS current,
           (SELECT CASE m.aggregation WHEN 'mean' THEN sum(d.total) / nullif(sum(d.count), 0)
                                   WHEN 'sum' THEN sum(d.total) FILTER (WHERE d."on" < %(pin)s::date - 28) / 27
                                   ELSE (array_agg(d.last ORDER BY d.last_at DESC))[1] END
         FROM outcomes_metricday d WHERE d.metric_id = o.metric_id AND d."on" BETWEEN %(pin)s::date - 55 AND %(pin)s::date - 28) AS past,
           coalesce(o.baseline, (SELECT CASE m.aggregation WHEN 'mean' THEN sum(d.total) / nullif(sum(d.count), 0)
                                   WHEN 'sum' THEN sum(d.total) FILTER (WHERE d."on" < i.released_on) / 27
                                   ELSE (array_agg(d.last ORDER BY d.last_at DESC))[1] END
         FROM outcomes_metricday d WHERE d.metric_id = o.metric_id AND d."on" BETWEEN i.released_on - 28 AND i.released_on - 1))
               AS baseline
    FROM outcomes_outcome o JOIN outcomes_metric m ON m.id = o.metric_id JOIN roadmap_item i ON i.id = o.item_id
    WHERE o.workspace_id = %(w)s
), credit AS (
    SELECT l.item_id, sum(s.own_demand * l.weight / w.whole) AS demand,
           sum(s.own_revenue_at_stake * l.weight / w.whole) AS revenue, max(s.opportunity) AS opportunity
    FROM roadmap_link l JOIN roadmap_problemstanding s ON s.problem_id = l.problem_id
    JOIN (SELECT problem_id, sum(weight) AS whole FROM roadmap_link WHERE workspace_id = %(w)s GROUP BY 1) w
      ON w.problem_id = l.problem_id
    WHERE l.workspace_id = %(w)s GROUP BY l.item_id
), behind AS (
    SELECT l.item_id, count(DISTINCT e.customer_id) AS customers, array_agg(DISTINCT e.kind) AS kinds
    FROM roadmap_link l JOIN roadmap_evidence e ON e.problem_id = l.problem_id AND NOT e.is_retracted
    WHERE l.workspace_id = %(w)s GROUP BY l.item_id
), valued AS MATERIALIZED (
    SELECT i.id AS item_id, i.released_on, used.active, used.previous, used.still, used.still_before, used.newest,
           audience.active AS eligible, levels.current, levels.baseline, levels.target,
           levels.id AS outcome_id, levels.key, levels.past, credit.demand, credit.revenue, credit.opportunity,
           behind.customers, 1000 * 2 * 0.8 / i.effort AS expected,
           least(1, greatest(0, (levels.current - levels.baseline) / nullif(levels.target - levels.baseline, 0))) AS reached,
           least(1, used.active::float8 / audience.active / 0.3) AS adoption,
           least(1, used.still::float8 / nullif(used.previous, 0) / 0.5) AS retention
    FROM roadmap_item i LEFT JOIN used ON used.item_id = i.id LEFT JOIN levels ON levels.item_id = i.id
    LEFT JOIN credit ON credit.item_id = i.id LEFT JOIN behind ON behind.item_id = i.id
    LEFT JOIN outcomes_productaudience audience ON audience.product_id = i.product_id AND audience.window_days = 28
                                               AND audience."on" = %(pin)s
    WHERE i.workspace_id = %(w)s
), told AS MATERIALIZED (
    SELECT v.*, 100 * (0.2 * reached + 0.3 * adoption + 0.2 * retention) AS proven,
           jsonb_build_object(
             'as_of', %(pin)s::date, 'is_released', true, 'coverage', 0.7, 'multiplier', 1, 'model_version', 1,
             'expected', jsonb_build_object('value', expected, 'reach', 1000, 'reach_from', 'person', 'impact', 2,
                 'confidence', 0.8, 'declared_confidence', 0.8, 'confidence_cap', 0.8, 'effort', 1, 'missing', '[]'::jsonb,
                 'frozen_on', released_on),
             'outcome', jsonb_build_object('term', reached, 'weight', 0.2),
             'outcomes', jsonb_build_array(jsonb_build_object('id', outcome_id, 'metric', key, 'series', null, 'role', 'primary',
                 'weight', 1, 'baseline', baseline, 'baseline_from', 'before_release', 'target', target, 'current', current,
                 'newest_on', %(pin)s::date, 'attainment', reached, 'reason', null, 'pace', null, 'grade', 'observed',
                 'due_on', null, 'missing', '[]'::jsonb)),
             'adoption', jsonb_build_object('term', adoption, 'weight', 0.3, 'active', active, 'eligible', eligible,
                 'eligible_from', 'events', 'share', active::float8 / eligible, 'low', 0, 'high', 1, 'is_bare_share', false,
                 'is_counted', true, 'target', 0.3, 'own_target', null, 'window_days', 28, 'newest_on', newest, 'age_days', 0),
             'retention', jsonb_build_object('term', retention, 'weight', 0.2, 'previous', previous, 'still', still, 'target', 0.5),
             'credit', jsonb_build_object('demand', demand, 'revenue_at_stake', revenue, 'opportunity', opportunity)
           ) AS explanation
    FROM valued v
), history AS (
    INSERT INTO bare_valuerecord (workspace_id, item_id, expected, realised, proven, coverage, outcome_term, adoption, retention,
                                  missing, explanation, model_version, judged_on, cause, as_of)
    SELECT %(w)s, item_id, expected, proven / 0.7, proven, 0.7, reached, adoption, retention, '[]', explanation, 1, %(pin)s,
           '{"kind": "model"}', now() FROM told ORDER BY item_id
), usage AS (
    INSERT INTO bare_itemusage (workspace_id, item_id, verdict, last_known, active, eligible, eligible_from, share, window_days,
                                evidence, judged_on)
    SELECT %(w)s, item_id, 'healthy', 'healthy', active, eligible, 'events', active::float8 / eligible, 28,
           jsonb_build_object('kind', 'events', 'expected_periods', 28, 'covered_periods', 28, 'is_silent', false,
             'ratio_to_window_before', still_before, 'first_used_on', released_on, 'first_active_on', released_on,
             'newest_on', newest, 'under_used_below', 0.05, 'grace_days', 28), %(pin)s
    FROM told ORDER BY item_id
    ON CONFLICT (item_id) DO UPDATE SET verdict = excluded.verdict, last_known = excluded.last_known, active = excluded.active,
        eligible = excluded.eligible, share = excluded.share, evidence = excluded.evidence, judged_on = excluded.judged_on
)
INSERT INTO bare_itemvalue (workspace_id, item_id, expected, realised, proven, coverage, outcome_term, adoption, retention, missing,
                            explanation, model_version, judged_on, demand, revenue_at_stake, opportunity, trend, as_of)
SELECT %(w)s, item_id, expected, proven / 0.7, proven, 0.7, reached, adoption, retention, '[]', explanation, 1, %(pin)s, demand,
       revenue, opportunity, proven - 1, now() FROM told ORDER BY item_id
ON CONFLICT (item_id) DO UPDATE SET expected = excluded.expected, realised = excluded.realised, proven = excluded.proven,
    coverage = excluded.coverage, outcome_term = excluded.outcome_term, adoption = excluded.adoption,
    retention = excluded.retention, missing = excluded.missing, explanation = excluded.explanation,
    model_version = excluded.model_version, judged_on = excluded.judged_on, demand = excluded.demand,
    revenue_at_stake = excluded.revenue_at_stake, opportunity = excluded.opportunity, trend = excluded.trend,
    as_of = excluded.as_of
