-- As many problems, pieces of evidence, flags, effects and changes as there are items, beside them.

INSERT INTO roadmap_problem (workspace_id, key, title, description, version, created_at, updated_at)
SELECT %(w)s, 'problem-' || n, 'Problem ' || n %% 5000, '', 1, timestamptz '2026-05-01' + n * interval '1 minute',
       timestamptz '2026-05-01' + n %% 40000 * interval '1 minute'
FROM generate_series(1, %(items)s) n;

INSERT INTO roadmap_problemstanding (workspace_id, problem_id, demand, revenue_at_stake, own_demand, own_revenue_at_stake,
                                     evidence_count, customer_count, opportunity, is_low_evidence, segments, computed_at)
SELECT %(w)s, p.id, n %% 300, n::bigint * 31 %% 9973, 0, 0, n %% 40, n %% 30,
       CASE WHEN n %% 10 <> 0 THEN n %% 200 / 10.0 END, false, '[]', now()
FROM (SELECT id, substr(key, 9)::int AS n FROM roadmap_problem WHERE workspace_id = %(w)s AND key LIKE 'problem-%%') p;

INSERT INTO roadmap_evidence (workspace_id, problem_id, kind, quote, source_url, observed_on, importance, external_id,
                              stated_by, stated_row, is_retracted, version, created_at, updated_at)
SELECT %(w)s, p.id, 'ticket', 'They said so', '',
       CASE WHEN n %% 10 <> 0 THEN date '2026-01-01' + n %% 365 END, n %% 4, '', '', 0, false, 1,
       timestamptz '2026-05-01' + n * interval '1 minute', timestamptz '2026-05-01' + n %% 40000 * interval '1 minute'
FROM (SELECT id, substr(key, 9)::int AS n FROM roadmap_problem WHERE workspace_id = %(w)s AND key LIKE 'problem-%%') p;

INSERT INTO outcomes_flag (workspace_id, item_id, reason, state, opened_on, holding_since, resolved_on, resolved_cause,
                           snoozed_until, dismiss_reason, is_suppressing, recommendation, evidence, opened_with, is_ahead,
                           version, created_at, updated_at)
SELECT %(w)s, i.id, CASE WHEN n %% 3 = 0 THEN 'declining' ELSE 'abandoned' END,
       CASE WHEN n %% 4 = 0 THEN 'open' ELSE 'resolved' END, date '2026-01-01' + n %% 100, date '2025-12-31' + n %% 100,
       CASE WHEN n %% 4 <> 0 THEN date '2026-05-01' + n %% 100 END, CASE WHEN n %% 4 <> 0 THEN 'recovered' ELSE '' END,
       NULL, '', false, '', '{}', '{}', false, 1, now(), timestamptz '2026-05-01' + n %% 40000 * interval '1 minute'
FROM (SELECT id, substr(key, 6)::int AS n FROM roadmap_item WHERE workspace_id = %(w)s) i;

INSERT INTO outcomes_effect (workspace_id, outcome_id, design, estimate, low, high, confidence, relative, verdict,
                             decided_on, n_before, n_after, from_on, to_on, method, method_version, caveats, detail, chart,
                             cause, as_of, is_withdrawn)
SELECT %(w)s, o.id, CASE WHEN n %% 3 = 0 THEN 'comparison' ELSE 'before_after' END, n %% 997 / 10.0, n %% 997 / 10.0 - 1,
       n %% 997 / 10.0 + 1, 0.95, CASE WHEN n %% 10 <> 0 THEN n %% 100 / 100.0 END, 'better',
       CASE WHEN n %% 5 <> 0 THEN date '2026-05-01' + n %% 200 END, 182, 28, date '2025-09-01', date '2026-03-29', 'AR(1)', 1,
       '[]', '{}', '{}', '{}', timestamptz '2026-05-01' + n * interval '1 minute', false
FROM (SELECT outcome.id, substr(item.key, 6)::int AS n FROM outcomes_outcome outcome
      JOIN roadmap_item item ON item.id = outcome.item_id WHERE outcome.workspace_id = %(w)s) o;

INSERT INTO workspaces_change (workspace_id, position, at, type, object_id, object_key, action, user_id, by, via, request_id,
                               "values")
SELECT %(w)s, n, timestamptz '2026-05-01' + n * interval '1 second', 'item', i.id, 'item-' || n, 'edited', NULL, 'Ann', 'api',
       '', '{"title": ["a", "b"]}'
FROM (SELECT id, substr(key, 6)::int AS n FROM roadmap_item WHERE workspace_id = %(w)s) i;
