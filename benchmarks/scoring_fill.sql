-- The rollups of a workspace, made of nothing: one statement after the other.

INSERT INTO roadmap_product (workspace_id, key, name, unit, version, created_at, updated_at)
SELECT %(w)s, 'product-' || n, 'Product ' || n, 'people', 1, now(), now() FROM generate_series(1, %(products)s) n;

INSERT INTO roadmap_problem (workspace_id, key, title, description, version, created_at, updated_at)
SELECT %(w)s, 'problem-' || n, 'Problem ' || n, '', 1, now(), now()
FROM generate_series(1, greatest(%(items)s / 10, 1)) n;

INSERT INTO roadmap_customer (workspace_id, key, name, segment, mrr, version, created_at, updated_at, stated_by, stated_row)
SELECT %(w)s, 'customer-' || n, 'Customer ' || n, '', n, 1, now(), now(), '', 0 FROM generate_series(1, 1000) n;

INSERT INTO roadmap_evidence (workspace_id, problem_id, customer_id, kind, quote, source_url, observed_on, importance,
                              external_id, version, created_at, updated_at, stated_by, stated_row, is_retracted)
SELECT %(w)s, p.id, c.id, 'ticket', '', '', %(pin)s - 300, 2, 'e' || k, 1, now(), now(), '', 0, false
FROM roadmap_problem p, generate_series(1, 3) k,
     LATERAL (SELECT id FROM roadmap_customer WHERE workspace_id = %(w)s AND key = 'customer-' || (1 + (p.id * k) %% 1000)) c
WHERE p.workspace_id = %(w)s;

INSERT INTO roadmap_problemstanding (workspace_id, problem_id, demand, revenue_at_stake, own_demand, own_revenue_at_stake,
                                     evidence_count, customer_count, is_low_evidence, segments, computed_at)
SELECT %(w)s, id, 6, 900, 6, 900, 3, 3, false, '[]', now() FROM roadmap_problem WHERE workspace_id = %(w)s;

INSERT INTO roadmap_item (workspace_id, key, title, summary, hypothesis, kind, url, product_id, status, horizon, released_on,
                          is_release_stated, usage_policy, exemption_reason, reach, impact, confidence, effort,
                          inputs_at_release, version, created_at, updated_at)
SELECT %(w)s, 'item-' || n, 'Item ' || n, '', '', 'feature', '', p.id, 'released', '', %(pin)s - (120 + n %% 250), true,
       'normal', '', 1000, 2, 0.8, 1 + n %% 5,
       jsonb_build_object('reach', 1000, 'impact', 2, 'confidence', 0.8, 'effort', 1 + n %% 5), 1, now(), now()
FROM generate_series(1, %(items)s) n
JOIN roadmap_product p ON p.workspace_id = %(w)s AND p.key = 'product-' || (1 + n %% %(products)s);

INSERT INTO roadmap_link (workspace_id, item_id, problem_id, weight, version, created_at, updated_at)
SELECT %(w)s, i.id, p.id, 1, 1, now(), now() FROM roadmap_item i JOIN roadmap_problem p ON p.workspace_id = %(w)s
  AND p.key = 'problem-' || (1 + substr(i.key, 6)::int %% greatest(%(items)s / 10, 1)) WHERE i.workspace_id = %(w)s;

INSERT INTO outcomes_source (workspace_id, key, name, kind, cadence, token, version, created_at, updated_at)
SELECT %(w)s, 'source', 'Source', 'productops', 'daily', 'bench-' || %(w)s, 1, now(), now();

INSERT INTO outcomes_sourceday (workspace_id, source_id, "on", has_usage, has_observations, is_stated)
SELECT %(w)s, s.id, %(pin)s - n, true, true, false FROM outcomes_source s, generate_series(0, %(days)s) n
WHERE s.workspace_id = %(w)s;

INSERT INTO outcomes_metric (workspace_id, key, name, unit, direction, aggregation, cadence, version, created_at, updated_at)
SELECT %(w)s, CASE n WHEN 0 THEN 'solo' ELSE 'metric-' || n END, 'Metric ' || n, '', 'increase',
       (ARRAY['mean', 'sum', 'last'])[1 + n %% 3], 'daily', 1, now(), now() FROM generate_series(0, %(metrics)s) n;

INSERT INTO outcomes_metricsource (workspace_id, metric_id, source_id)
SELECT %(w)s, m.id, s.id FROM outcomes_metric m, outcomes_source s WHERE m.workspace_id = %(w)s AND s.workspace_id = %(w)s;

INSERT INTO outcomes_metricday (workspace_id, metric_id, series, "on", count, total, low, high, last, last_at)
SELECT %(w)s, m.id, '', %(pin)s - n, %(per_day)s, %(per_day)s * v, v - 1, v + 1, v, (%(pin)s - n) + time '18:00'
FROM outcomes_metric m, generate_series(0, %(days)s - 1) n, LATERAL (SELECT 10 + (m.id * 7 + n * 13) %% 50 / 10.0 AS v) v
WHERE m.workspace_id = %(w)s;

INSERT INTO outcomes_outcome (workspace_id, item_id, metric_id, role, baseline, target, weight, controls, washout_days,
                              version, created_at, updated_at)
SELECT %(w)s, i.id, m.id, 'primary', CASE WHEN n %% 2 = 0 THEN 8 END, 20, 1, '[]', 0, 1, now(), now()
FROM roadmap_item i, LATERAL (SELECT substr(i.key, 6)::int AS n) n
JOIN outcomes_metric m ON m.workspace_id = %(w)s
 AND m.key = CASE n.n WHEN 1 THEN 'solo' ELSE 'metric-' || (1 + (n.n::bigint * 7919) %% %(metrics)s) END
WHERE i.workspace_id = %(w)s;

INSERT INTO outcomes_itemsource (workspace_id, item_id, source_id, has_events, has_counts, has_shares, first_on, last_on)
SELECT %(w)s, i.id, s.id, true, false, false, i.released_on + 1, %(pin)s FROM roadmap_item i, outcomes_source s
WHERE i.workspace_id = %(w)s AND s.workspace_id = %(w)s;

INSERT INTO outcomes_usageday (workspace_id, item_id, "on", actor, count)
SELECT %(w)s, i.id, %(pin)s - (k * 37 + i.id::int) %% 84, decode(md5((i.id * 7 + k %% 25)::text), 'hex'), 1 + k %% 3
FROM roadmap_item i, generate_series(0, %(actor_days)s - 1) k WHERE i.workspace_id = %(w)s
ORDER BY i.id ON CONFLICT DO NOTHING;

INSERT INTO outcomes_productaudience (workspace_id, product_id, window_days, "on", active, item_count)
SELECT %(w)s, p.id, 28, %(pin)s - n, 200, 10 FROM roadmap_product p, generate_series(0, 400) n WHERE p.workspace_id = %(w)s;

INSERT INTO outcomes_itemvalue (workspace_id, item_id, coverage, missing, explanation, demand, revenue_at_stake)
SELECT %(w)s, id, 0, '[]', '{}', 0, 0 FROM roadmap_item WHERE workspace_id = %(w)s ORDER BY id;

INSERT INTO outcomes_itemusage (workspace_id, item_id, evidence)
SELECT %(w)s, id, '{}' FROM roadmap_item WHERE workspace_id = %(w)s ORDER BY id;

INSERT INTO outcomes_workspaceclock (workspace_id, judged_on, moved_at) VALUES (%(w)s, %(pin)s, now());
