-- A workspace of many items, made of nothing: one statement after the other. Every tenth number is unknown, titles and
-- numbers repeat, most items are released and for one problem.

INSERT INTO roadmap_product (workspace_id, key, name, unit, version, created_at, updated_at)
SELECT %(w)s, 'product-' || n, 'Product ' || n, 'people', 1, now(), now() FROM generate_series(1, 20) n;

INSERT INTO roadmap_problem (workspace_id, key, title, description, version, created_at, updated_at)
VALUES (%(w)s, 'lost-baskets', 'Baskets are lost', '', 1, now(), now()), (%(w)s, 'rare', 'Rare', '', 1, now(), now());

INSERT INTO outcomes_metric (workspace_id, key, name, unit, direction, aggregation, cadence, version, created_at, updated_at)
VALUES (%(w)s, 'checkout', 'Checkout', '%%', 'increase', 'mean', 'daily', 1, now(), now());

INSERT INTO roadmap_item (workspace_id, product_id, key, title, summary, hypothesis, kind, url, status, horizon,
                          released_on, is_release_stated, usage_policy, exemption_reason, reach, impact, effort, version,
                          created_at, updated_at)
SELECT %(w)s, p.id, 'item-' || n, 'Item ' || n %% 5000, 'A summary of it', '', 'feature', '',
       CASE WHEN n %% 5 = 0 THEN 'idea' ELSE 'released' END, '',
       CASE WHEN n %% 5 <> 0 THEN date '2026-01-01' + n %% 365 END, true, 'normal', '',
       CASE WHEN n %% 10 <> 0 THEN n::bigint * 7919 %% 10000 END,
       CASE WHEN n %% 10 <> 0 THEN (ARRAY[0.25, 0.5, 1, 2, 3])[1 + n %% 5] END,
       CASE WHEN n %% 10 <> 0 THEN n %% 40 / 4.0 + 0.25 END, 1,
       timestamptz '2026-05-01' + n * interval '1 minute', timestamptz '2026-05-01' + n %% 40000 * interval '1 minute'
FROM generate_series(1, %(items)s) n
JOIN roadmap_product p ON p.workspace_id = %(w)s AND p.key = 'product-' || (1 + n %% 20);

INSERT INTO outcomes_itemvalue (workspace_id, item_id, expected, realised, proven, coverage, missing, explanation, demand,
                                revenue_at_stake, opportunity, trend)
SELECT %(w)s, i.id, CASE WHEN n %% 10 <> 0 THEN n::bigint * 31 %% 9973 END,
       CASE WHEN n %% 10 <> 3 THEN n::bigint * 17 %% 1000 / 10.0 END,
       CASE WHEN n %% 10 <> 5 THEN n::bigint * 13 %% 997 / 10.0 END,
       n %% 11 / 10.0, '[]', '{}', n %% 300, n %% 4000,
       CASE WHEN n %% 10 <> 0 THEN n %% 200 / 10.0 END, CASE WHEN n %% 10 <> 0 THEN n %% 50 - 25.0 END
FROM (SELECT id, substr(key, 6)::int AS n FROM roadmap_item WHERE workspace_id = %(w)s) i WHERE n %% 50 <> 0;

INSERT INTO outcomes_itemusage (workspace_id, item_id, verdict, share, active, eligible, evidence)
SELECT %(w)s, i.id, CASE WHEN n %% 20 = 0 THEN 'under_used' ELSE 'healthy' END,
       CASE WHEN n %% 10 <> 0 THEN n::bigint * 37 %% 1000 / 1000.0 END, CASE WHEN n %% 10 <> 0 THEN n %% 700 END, 1000, '{}'
FROM (SELECT id, substr(key, 6)::int AS n FROM roadmap_item WHERE workspace_id = %(w)s) i WHERE n %% 25 <> 0;

INSERT INTO roadmap_link (workspace_id, item_id, problem_id, weight, version, created_at, updated_at)
SELECT %(w)s, i.id, p.id, CASE p.key WHEN 'rare' THEN 0.25 ELSE 0.75 END, 1, now(), now()
FROM roadmap_item i JOIN roadmap_problem p ON p.workspace_id = %(w)s
WHERE i.workspace_id = %(w)s AND (p.key = 'lost-baskets' OR substr(i.key, 6)::int %% 500 = 0);

INSERT INTO outcomes_outcome (workspace_id, item_id, metric_id, role, weight, controls, washout_days, version, created_at,
                              updated_at)
SELECT %(w)s, i.id, m.id, 'primary', 1, '[]', 0, 1, now(), now()
FROM roadmap_item i JOIN outcomes_metric m ON m.workspace_id = %(w)s WHERE i.workspace_id = %(w)s;

INSERT INTO outcomes_flag (workspace_id, item_id, reason, state, opened_on, holding_since, resolved_cause, dismiss_reason,
                           is_suppressing, recommendation, evidence, opened_with, is_ahead, version, created_at,
                           updated_at)
SELECT %(w)s, i.id, 'under_used', 'open', date '2026-05-01', date '2026-04-30', '', '', false, '', '{}', '{}', false, 1,
       now(), now()
FROM roadmap_item i WHERE i.workspace_id = %(w)s AND substr(i.key, 6)::int %% 20 = 0;
