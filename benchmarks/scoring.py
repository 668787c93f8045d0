"""Full rescoring against the bare SQL that reads the same rollups and writes as many rows, in one run.

    python benchmarks/scoring.py [--items 100000] [--actor-days 100] [--rounds 2] [--profile]

Starts a durable PostgreSQL of its own in var/bench-scoring (removed at the end unless --keep), fills the rollups
with generate_series and times, taking turns: the bare SQL; a switch of the scoring model, settled by two worker
processes. The observations behind the rollups do not exist: scoring never reads them. One row of a metric's day
stands for 100 of them. Then one changed fact, in a workspace of 1,000 items and in the large one.

Prints seconds, the ratio, the largest worker's memory, and milliseconds for the one fact.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PIN = date(2026, 5, 1)
METRICS, METRIC_DAYS, PRODUCTS = 2_000, 500, 50
PER_METRIC_DAY = 100
WORKERS = 2
MB = 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--actor-days", type=int, default=100, help="of each item")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--facts", type=int, default=15)
    parser.add_argument("--profile", action="store_true", help="settle in this process and print where time went")
    parser.add_argument("--keep", action="store_true", help="keep the database; a second run uses it as it is")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work()
        return
    with_servers(options)


def with_servers(options: argparse.Namespace) -> None:
    from productops.local.places import Places
    from productops.local.processes import Stop
    from productops.local.programs import child_environ
    from productops.local.servers import Servers
    from productops.local.supervisor import Supervisor
    from productops.local.telling import Telling

    where = Places(ROOT / "var" / "bench-scoring")
    where.make()
    (ROOT / "var" / "static").mkdir(exist_ok=True)
    stop = Stop()
    stop.listen()
    say = Telling(where.log / "server.log")
    supervisor = Supervisor(stop, where.run, say)
    outer = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    try:
        urls = Servers(where, supervisor, say).start(outer)
        os.environ.update(child_environ(outer, where, urls, "http://127.0.0.1:8000"))
        setup()
        measure(options)
    finally:
        supervisor.stop_all()
        if not options.keep:
            shutil.rmtree(where.var, ignore_errors=True)


def setup() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "productops.settings")
    import django

    django.setup()


# --- the two sides ---------------------------------------------------------------------------------------


def measure(options: argparse.Namespace) -> None:
    from django.core.management import call_command

    from productops.workspaces.models import Workspace

    call_command("migrate", verbosity=0)
    if not Workspace.objects.filter(key="small").exists():
        fill("small", 1_000, options.actor_days)
    small = Workspace.objects.get(key="small")
    if not Workspace.objects.filter(key="large").exists():
        say_fact(f"one changed fact, 1,000 items and nothing else: {one_fact(small, options.facts)}")
        fill("large", options.items, options.actor_days)
    large = Workspace.objects.get(key="large")
    print(f"{options.items:,} items, {options.items * options.actor_days:,} item-actor-days,"
          f" {METRICS * METRIC_DAYS:,} metric-days for {METRICS * METRIC_DAYS * PER_METRIC_DAY:,} observations")  # fmt: skip
    if options.profile:
        profile(large)
        return
    bare_prepared(large)
    bare_seconds, ours_seconds, memory = [], [], 0
    for number in range(options.rounds):
        bare_seconds.append(timed(lambda: bare(large)))
        spent, used = switched(large, number)
        ours_seconds.append(spent)
        memory = max(memory, used)
        print(f"round {number + 1}: bare SQL {bare_seconds[-1]:.1f} s, rescoring {spent:.1f} s by {WORKERS}"
              f" workers, ratio {spent / bare_seconds[-1]:.2f}, load {os.getloadavg()[0]:.1f}", flush=True)  # fmt: skip
    ratio = statistics.median(ours_seconds) / statistics.median(bare_seconds)
    print(f"ratio of medians {ratio:.2f}; largest worker {memory / MB:.0f} MB")
    say_fact(f"one changed fact, {options.items:,} items: {one_fact(large, options.facts)}")
    say_fact(f"one changed fact, 1,000 items beside them: {one_fact(small, options.facts)}")


def say_fact(text: str) -> None:
    print(text, flush=True)


def timed(do: Any) -> float:
    started = time.monotonic()
    do()
    return time.monotonic() - started


def switched(workspace: Any, number: int) -> tuple[float, int]:
    """Switch the scoring model and let two workers settle it; seconds and the largest worker's KB."""
    from django.db import connection

    from outcomes.models import ItemValue, Mark
    from outcomes.services import scoring
    from productops.workspaces.actors import CLOCK

    numbers = {"outcome": 0.4, "adoption": 0.4} if number % 2 == 0 else {"outcome": 0.5, "adoption": 0.3}
    model = scoring.create_model(workspace=workspace, by=CLOCK, weights=numbers)
    switching = timed(
        lambda: scoring.activate_model(workspace=workspace, by=CLOCK, model_id=model.pk, revision=None)
    )
    marked = Mark.objects.count()
    connection.close()
    command = [sys.executable, __file__, "--worker"]
    started = time.monotonic()
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(WORKERS)]
    told = [json.loads(worker.communicate()[0].splitlines()[-1]) for worker in workers]
    spent = time.monotonic() - started
    stale = ItemValue.objects.filter(workspace=workspace).exclude(model_version=model.version).count()
    if stale or Mark.objects.exists():
        sys.exit(f"{stale} values are of another model, {Mark.objects.count()} marks are left")
    shares = ", ".join(f"{one['marks']:,} in {one['seconds']:.1f} s" for one in told)
    print(f"  the switch itself (preview and {marked:,} marks) {switching:.1f} s; workers: {shares}")
    return spent, max(one["memory"] for one in told)


def work() -> None:
    """One worker: settles until nothing is left."""
    setup()
    from outcomes.models import Mark
    from outcomes.pipeline.settle import settle_marks

    done, started = 0, time.monotonic()
    while Mark.objects.exists():
        done += settle_marks(max_seconds=8.0)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"marks": done, "seconds": time.monotonic() - started, "memory": used}))


def profile(workspace: Any) -> None:
    import cProfile
    import pstats

    from outcomes.pipeline.marks import mark_every_item
    from outcomes.pipeline.settle import settle_marks

    mark_every_item(workspace.pk, cause={"kind": "profile"})
    watched = cProfile.Profile()
    started = time.monotonic()
    watched.enable()
    done = settle_marks(max_seconds=60.0)
    watched.disable()
    print(f"{done:,} marks in {time.monotonic() - started:.1f} s, profiled")
    pstats.Stats(watched).sort_stats("tottime").print_stats(45)
    pstats.Stats(watched).sort_stats("cumtime").print_stats(45)


def one_fact(workspace: Any, number: int) -> str:
    """One observation of a metric that one item has an outcome on, from the door to the score."""
    from django.db import connection

    from outcomes.models import ItemValue, Metric, Source
    from outcomes.pipeline import receive, settle
    from outcomes.sources.signatures import Signed

    source = Source.objects.get(workspace=workspace)
    metric = Metric.objects.get(workspace=workspace, key="solo")
    item = metric.outcomes.get().item_id
    spent, asked = [], 0
    for turn in range(number + 1):
        value = time.time_ns() % 1_000_000 / 1_000
        body = {"observations": [{"metric": "solo", "at": f"{PIN}T09:{turn:02}:00Z", "value": value}]}
        connection.queries_log.clear()
        connection.force_debug_cursor = turn == number
        started = time.monotonic()
        from datetime import UTC, datetime

        signed = Signed(f"fact_{time.time_ns()}", datetime.now(UTC))
        receive.store(source, signed, json.dumps(body).encode(), "application/json")
        settle.settle_all(30)
        spent.append((time.monotonic() - started) * 1000)
        asked = len(connection.queries_log)
    connection.force_debug_cursor = False
    reading = ItemValue.objects.get(item_id=item).explanation["outcomes"]
    if not any(one["metric"] == "solo" and one["current"] is not None for one in reading):
        sys.exit("the fact did not reach the value")
    return f"{statistics.median(spent[1:]):.0f} ms (median of {number}, {min(spent):.0f} at best, {asked} statements)"


# --- what is there ---------------------------------------------------------------------------------------


def fill(key: str, items: int, actor_days: int) -> None:
    from django.db import connection

    from outcomes.pipeline import partitions
    from outcomes.pipeline.marks import mark_every_item
    from outcomes.pipeline.settle import settle_marks
    from productops.workspaces.models import Workspace

    started = time.monotonic()
    workspace = Workspace.objects.create(key=key, name=key, pinned_on=PIN)
    days = [date.fromordinal(PIN.toordinal() - back) for back in range(METRIC_DAYS + 60)]
    for table in partitions.PARTITIONED:
        partitions.make(table, partitions.missing(table, days))
    with connection.cursor() as cursor:
        for statement in FILL:
            cursor.execute(
                statement,
                {"w": workspace.pk, "pin": PIN, "items": items, "metrics": min(METRICS, items // 2 or 1),
                 "days": METRIC_DAYS, "actor_days": actor_days, "products": PRODUCTS, "per_day": PER_METRIC_DAY},
            )  # fmt: skip
        cursor.execute("ANALYZE")
    mark_every_item(workspace.pk, cause={"kind": "fill"})
    filled = time.monotonic() - started
    while settle_marks(max_seconds=30):
        pass
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    print(f"filled {key} in {filled:.0f} s, valued for the first time in {time.monotonic() - started - filled:.0f} s", flush=True)


FILL = [
    """INSERT INTO roadmap_product (workspace_id, key, name, unit, version, created_at, updated_at)
       SELECT %(w)s, 'product-' || n, 'Product ' || n, 'people', 1, now(), now() FROM generate_series(1, %(products)s) n""",
    """INSERT INTO roadmap_problem (workspace_id, key, title, description, version, created_at, updated_at)
       SELECT %(w)s, 'problem-' || n, 'Problem ' || n, '', 1, now(), now()
       FROM generate_series(1, greatest(%(items)s / 10, 1)) n""",
    """INSERT INTO roadmap_customer (workspace_id, key, name, segment, mrr, version, created_at, updated_at, stated_by, stated_row)
       SELECT %(w)s, 'customer-' || n, 'Customer ' || n, '', n, 1, now(), now(), '', 0 FROM generate_series(1, 1000) n""",
    """INSERT INTO roadmap_evidence (workspace_id, problem_id, customer_id, kind, quote, source_url, observed_on, importance,
                                     external_id, version, created_at, updated_at, stated_by, stated_row, is_retracted)
       SELECT %(w)s, p.id, c.id, 'ticket', '', '', %(pin)s - 300, 2, 'e' || k, 1, now(), now(), '', 0, false
       FROM roadmap_problem p, generate_series(1, 3) k,
            LATERAL (SELECT id FROM roadmap_customer WHERE workspace_id = %(w)s AND key = 'customer-' || (1 + (p.id * k) %% 1000)) c
       WHERE p.workspace_id = %(w)s""",
    """INSERT INTO roadmap_problemstanding (workspace_id, problem_id, demand, revenue_at_stake, own_demand, own_revenue_at_stake,
                                            evidence_count, customer_count, is_low_evidence, segments, computed_at)
       SELECT %(w)s, id, 6, 900, 6, 900, 3, 3, false, '[]', now() FROM roadmap_problem WHERE workspace_id = %(w)s""",
    """INSERT INTO roadmap_item (workspace_id, key, title, summary, hypothesis, kind, url, product_id, status, horizon, released_on,
                                 is_release_stated, usage_policy, exemption_reason, reach, impact, confidence, effort,
                                 inputs_at_release, version, created_at, updated_at)
       SELECT %(w)s, 'item-' || n, 'Item ' || n, '', '', 'feature', '', p.id, 'released', '', %(pin)s - (120 + n %% 250), true,
              'normal', '', 1000, 2, 0.8, 1 + n %% 5,
              jsonb_build_object('reach', 1000, 'impact', 2, 'confidence', 0.8, 'effort', 1 + n %% 5), 1, now(), now()
       FROM generate_series(1, %(items)s) n
       JOIN roadmap_product p ON p.workspace_id = %(w)s AND p.key = 'product-' || (1 + n %% %(products)s)""",
    """INSERT INTO roadmap_link (workspace_id, item_id, problem_id, weight, version, created_at, updated_at)
       SELECT %(w)s, i.id, p.id, 1, 1, now(), now() FROM roadmap_item i JOIN roadmap_problem p ON p.workspace_id = %(w)s
         AND p.key = 'problem-' || (1 + substr(i.key, 6)::int %% greatest(%(items)s / 10, 1)) WHERE i.workspace_id = %(w)s""",
    """INSERT INTO outcomes_source (workspace_id, key, name, kind, cadence, token, version, created_at, updated_at)
       SELECT %(w)s, 'source', 'Source', 'productops', 'daily', 'bench-' || %(w)s, 1, now(), now()""",
    """INSERT INTO outcomes_sourceday (workspace_id, source_id, "on", has_usage, has_observations, is_stated)
       SELECT %(w)s, s.id, %(pin)s - n, true, true, false FROM outcomes_source s, generate_series(0, %(days)s) n
       WHERE s.workspace_id = %(w)s""",
    """INSERT INTO outcomes_metric (workspace_id, key, name, unit, direction, aggregation, cadence, version, created_at, updated_at)
       SELECT %(w)s, CASE n WHEN 0 THEN 'solo' ELSE 'metric-' || n END, 'Metric ' || n, '', 'increase',
              (ARRAY['mean', 'sum', 'last'])[1 + n %% 3], 'daily', 1, now(), now() FROM generate_series(0, %(metrics)s) n""",
    """INSERT INTO outcomes_metricsource (workspace_id, metric_id, source_id)
       SELECT %(w)s, m.id, s.id FROM outcomes_metric m, outcomes_source s WHERE m.workspace_id = %(w)s AND s.workspace_id = %(w)s""",
    """INSERT INTO outcomes_metricday (workspace_id, metric_id, series, "on", count, total, low, high, last, last_at)
       SELECT %(w)s, m.id, '', %(pin)s - n, %(per_day)s, %(per_day)s * v, v - 1, v + 1, v, (%(pin)s - n) + time '18:00'
       FROM outcomes_metric m, generate_series(0, %(days)s - 1) n, LATERAL (SELECT 10 + (m.id * 7 + n * 13) %% 50 / 10.0 AS v) v
       WHERE m.workspace_id = %(w)s""",
    """INSERT INTO outcomes_outcome (workspace_id, item_id, metric_id, role, baseline, target, weight, controls, washout_days,
                                     version, created_at, updated_at)
       SELECT %(w)s, i.id, m.id, 'primary', CASE WHEN n %% 2 = 0 THEN 8 END, 20, 1, '[]', 0, 1, now(), now()
       FROM roadmap_item i, LATERAL (SELECT substr(i.key, 6)::int AS n) n
       JOIN outcomes_metric m ON m.workspace_id = %(w)s
        AND m.key = CASE n.n WHEN 1 THEN 'solo' ELSE 'metric-' || (1 + (n.n::bigint * 7919) %% %(metrics)s) END
       WHERE i.workspace_id = %(w)s""",
    """INSERT INTO outcomes_itemsource (workspace_id, item_id, source_id, has_events, has_counts, has_shares, first_on, last_on)
       SELECT %(w)s, i.id, s.id, true, false, false, i.released_on + 1, %(pin)s FROM roadmap_item i, outcomes_source s
       WHERE i.workspace_id = %(w)s AND s.workspace_id = %(w)s""",
    # 25 people an item; each of its days within 84 days, another day each time.
    """INSERT INTO outcomes_usageday (workspace_id, item_id, "on", actor, count)
       SELECT %(w)s, i.id, %(pin)s - (k * 37 + i.id::int) %% 84, decode(md5((i.id * 7 + k %% 25)::text), 'hex'), 1 + k %% 3
       FROM roadmap_item i, generate_series(0, %(actor_days)s - 1) k WHERE i.workspace_id = %(w)s
       ORDER BY i.id ON CONFLICT DO NOTHING""",
    """INSERT INTO outcomes_productaudience (workspace_id, product_id, window_days, "on", active, item_count)
       SELECT %(w)s, p.id, 28, %(pin)s - n, 200, 10 FROM roadmap_product p, generate_series(0, 400) n WHERE p.workspace_id = %(w)s""",
    """INSERT INTO outcomes_itemvalue (workspace_id, item_id, coverage, missing, explanation, demand, revenue_at_stake)
       SELECT %(w)s, id, 0, '[]', '{}', 0, 0 FROM roadmap_item WHERE workspace_id = %(w)s ORDER BY id""",
    """INSERT INTO outcomes_itemusage (workspace_id, item_id, evidence)
       SELECT %(w)s, id, '{}' FROM roadmap_item WHERE workspace_id = %(w)s ORDER BY id""",
    """INSERT INTO outcomes_workspaceclock (workspace_id, judged_on, moved_at) VALUES (%(w)s, %(pin)s, now())""",
]


# --- the bare SQL ----------------------------------------------------------------------------------------


def bare_prepared(workspace: Any) -> None:
    """Tables like ours, with their indexes, holding a row for each item, as ours do before they are overwritten."""
    from django.db import connection

    with connection.cursor() as cursor:
        for table in ("itemvalue", "itemusage", "valuerecord"):
            cursor.execute(f"DROP TABLE IF EXISTS bare_{table}")
            cursor.execute(f"CREATE TABLE bare_{table} (LIKE outcomes_{table} INCLUDING ALL)")
        for table in ("itemvalue", "itemusage"):
            cursor.execute(
                f"INSERT INTO bare_{table} SELECT * FROM outcomes_{table} WHERE workspace_id = %s", [workspace.pk]  # noqa: S608
            )


def bare(workspace: Any) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(BARE, {"w": workspace.pk, "pin": PIN})


_LEVEL = """(SELECT CASE m.aggregation WHEN 'mean' THEN sum(d.total) / nullif(sum(d.count), 0)
                                       WHEN 'sum' THEN sum(d.total) FILTER (WHERE d."on" < {today}) / 27
                                       ELSE (array_agg(d.last ORDER BY d.last_at DESC))[1] END
             FROM outcomes_metricday d WHERE d.metric_id = o.metric_id AND d."on" BETWEEN {first} AND {last})"""
BARE = f"""
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
               {_LEVEL.format(today="%(pin)s", first="%(pin)s::date - 27", last="%(pin)s::date")} AS current,
               {_LEVEL.format(today="%(pin)s::date - 28", first="%(pin)s::date - 55", last="%(pin)s::date - 28")} AS past,
               coalesce(o.baseline, {_LEVEL.format(today="i.released_on", first="i.released_on - 28", last="i.released_on - 1")})
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
               '{{"kind": "model"}}', now() FROM told ORDER BY item_id
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
"""  # noqa: S608

if __name__ == "__main__":
    main()
