"""Full rescoring against the bare SQL that reads the same rollups and writes as many rows, in one run.

    python benchmarks/scoring.py [--items 100000] [--actor-days 100] [--rounds 2] [--profile]

Starts a durable PostgreSQL of its own in var/bench-scoring (removed at the end unless --keep), fills the rollups
with generate_series and times two worker processes that value every item for the first time, then, taking turns: the
bare SQL, into tables with the same indexes, checks, keys and triggers; a switch of the scoring model, settled by two
worker processes. `--rounds 0` holds the first valuation against the bare SQL and ends there. The observations behind
the rollups do not exist: scoring never reads them. One row of a metric's day stands for 100. Then one changed fact,
in a workspace of 1,000 items and in the large one.

Prints seconds, the ratio, the largest worker's memory, and milliseconds for the one fact with where they went.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))
PIN = date(2026, 5, 1)
METRICS, METRIC_DAYS, PRODUCTS = 2_000, 500, 50
PER_METRIC_DAY = 100
WORKERS = 2
MB = 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--actor-days", type=int, default=100, help="of each item")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--facts", type=int, default=15)
    parser.add_argument(
        "--profile", action="store_true", help="settle in this process and print where time went"
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep the database; a second run uses it as it is"
    )
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work()
        return
    with_servers(options)


def with_servers(options: argparse.Namespace) -> None:
    from benchmarks.servers import own_servers

    with own_servers("bench-scoring", is_kept=options.keep, is_fillable=True):
        measure(options)


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
        say(f"one changed fact, 1,000 items and nothing else: {one_fact(small, options.facts)}")
        fill("large", options.items, options.actor_days, is_valued=options.profile)
    large = Workspace.objects.get(key="large")
    days = METRICS * METRIC_DAYS
    print(
        f"{options.items:,} items, {options.items * options.actor_days:,} item-actor-days,"
        f" {days:,} metric-days for {days * PER_METRIC_DAY:,} observations"
    )
    if options.profile:
        profile(large)
        return
    first = value_first(large)
    bare_prepared(large)
    bare_seconds, ours_seconds, memory = [], [], 0
    if first is not None:
        bare_seconds, ours_seconds, memory = [timed(lambda: bare(large))], [first[0]], first[2]
        say(
            f"first valuation by {WORKERS} workers {first[0]:.1f} s ({first[1]:.1f} s of processors), bare SQL"
            f" {bare_seconds[0]:.1f} s, ratio {first[0] / bare_seconds[0]:.2f}, load {os.getloadavg()[0]:.1f}"
        )
    for number in range(options.rounds):
        before = processor_seconds()
        bare_seconds.append(timed(lambda: bare(large)))
        bare_processor = processor_seconds() - before
        spent, processor, used = switched(large, number)
        ours_seconds.append(spent)
        memory = max(memory, used)
        say(
            f"round {number + 1}: bare SQL {bare_seconds[-1]:.1f} s ({bare_processor:.1f} s of a processor),"
            f" rescoring by {WORKERS} workers {spent:.1f} s ({processor:.1f} s of processors),"
            f" ratio {spent / bare_seconds[-1]:.2f} ({processor / bare_processor:.2f}), load {os.getloadavg()[0]:.1f}"
        )
    ratio = statistics.median(ours_seconds) / statistics.median(bare_seconds)
    say(f"ratio of medians {ratio:.2f}; largest worker {memory / MB:.0f} MB")
    say(f"one changed fact, {options.items:,} items: {one_fact(large, options.facts)}")
    say(f"one changed fact, 1,000 items beside them: {one_fact(small, options.facts)}")


def value_first(workspace: Any) -> tuple[float, float, int] | None:
    """Let the workers value what was filled: seconds, seconds of a processor, largest KB. None if it was valued."""
    from django.db import connection

    from outcomes.models import Mark

    if not Mark.objects.exists():
        return None
    found = by_workers()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return found


def say(text: str) -> None:
    print(text, flush=True)


def processor_seconds() -> float:
    """What this process and its PostgreSQL backend have spent of a processor so far."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        told = Path(f"/proc/{cursor.fetchone()[0]}/stat").read_text().rsplit(")", 1)[1].split()
    return time.process_time() + (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def timed(do: Any) -> float:
    started = time.monotonic()
    do()
    return time.monotonic() - started


def switched(workspace: Any, number: int) -> tuple[float, float, int]:
    """Switch the scoring model and let two workers settle it: seconds, seconds of a processor, largest KB."""
    from outcomes.models import ItemValue, Mark
    from outcomes.services import scoring
    from productops.workspaces.actors import CLOCK

    numbers = {"outcome": 0.4, "adoption": 0.4} if number % 2 == 0 else {"outcome": 0.5, "adoption": 0.3}
    model = scoring.create_model(workspace=workspace, by=CLOCK, weights=numbers)
    print(f"  the preview of that model alone: {previewed(workspace, model)}")
    switching = timed(
        lambda: scoring.activate_model(workspace=workspace, by=CLOCK, model_id=model.pk, revision=None)
    )
    marked = Mark.objects.count()
    print(f"  the switch itself (preview and {marked:,} marks) {switching:.1f} s")
    found = by_workers()
    stale = ItemValue.objects.filter(workspace=workspace).exclude(model_version=model.version).count()
    if stale or Mark.objects.exists():
        sys.exit(f"{stale} values are of another model, {Mark.objects.count()} marks are left")
    return found


def previewed(workspace: Any, model: Any) -> str:
    """What a request for the preview takes, and its longest statement (one may take 5 s in a web process)."""
    from django.db import connection

    from outcomes.pipeline.scoring_model import weights_of
    from outcomes.services.previews import preview

    longest = 0.0

    def watch(execute: Any, *asked: Any) -> Any:
        nonlocal longest
        started = time.monotonic()
        try:
            return execute(*asked)
        finally:
            longest = max(longest, time.monotonic() - started)

    started = time.monotonic()
    with connection.execute_wrapper(watch):
        found = preview(workspace, weights_of(model))
    return f"{found.items:,} items in {time.monotonic() - started:.1f} s, longest statement {longest:.2f} s"


def by_workers() -> tuple[float, float, int]:
    """Have worker processes settle all that is marked: seconds, seconds of a processor, largest KB."""
    from django.db import connection

    connection.close()
    command = [sys.executable, __file__, "--worker"]
    started = time.monotonic()
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(WORKERS)]
    told = [json.loads(worker.communicate()[0].splitlines()[-1]) for worker in workers]
    spent = time.monotonic() - started
    print("  workers: " + ", ".join(f"{one['marks']:,} marks in {one['seconds']:.1f} s" for one in told))
    return spent, sum(one["processor"] for one in told), max(one["memory"] for one in told)


def work() -> None:
    """One worker: settles until nothing is left."""
    setup()
    from outcomes.models import Mark
    from outcomes.pipeline.settle import settle_marks

    done, started, spent = 0, time.monotonic(), processor_seconds()
    while Mark.objects.exists():
        done += settle_marks(max_seconds=8.0)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = {"marks": done, "seconds": time.monotonic() - started, "memory": used}
    print(json.dumps({**told, "processor": processor_seconds() - spent}))


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
    from outcomes.pipeline import receive, senders, settle
    from outcomes.sources.signatures import Signed

    source = Source.objects.get(workspace=workspace)
    metric = Metric.objects.get(workspace=workspace, key="solo")
    item = metric.outcomes.get().item_id
    spent, asked, in_statements = [], 0, 0.0
    for turn in range(number + 1):
        value = time.time_ns() % 1_000_000 / 1_000
        body = {"observations": [{"metric": "solo", "at": f"{PIN}T09:{turn:02}:00Z", "value": value}]}
        connection.queries_log.clear()
        connection.force_debug_cursor = turn == number
        started = time.monotonic()
        from datetime import UTC, datetime

        signed = Signed(f"fact_{time.time_ns()}", datetime.now(UTC))
        receive.store(senders.of(source), signed, json.dumps(body).encode(), "application/json")
        settle.settle_all(30)
        spent.append((time.monotonic() - started) * 1000)
        asked = len(connection.queries_log)
        in_statements = 1000 * sum(float(one["time"]) for one in connection.queries_log)
    connection.force_debug_cursor = False
    reading = ItemValue.objects.get(item_id=item).explanation["outcomes"]
    if not any(one["metric"] == "solo" and one["current"] is not None for one in reading):
        sys.exit("the fact did not reach the value")
    return (
        f"{statistics.median(spent[1:]):.0f} ms (median of {number}, {min(spent):.0f} at best; the last took"
        f" {spent[-1]:.0f} ms, {in_statements:.0f} of them in {asked} statements; nothing waits, load"
        f" {os.getloadavg()[0]:.1f})"
    )


# --- what is there ---------------------------------------------------------------------------------------


def fill(key: str, items: int, actor_days: int, *, is_valued: bool = True) -> None:
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
        # What is made here fits together; checking every foreign key would take most of the time.
        cursor.execute("SET session_replication_role = replica")
        for statement in (HERE / "scoring_fill.sql").read_text().split(";\n"):
            if not statement.strip():
                continue
            cursor.execute(
                statement,
                {"w": workspace.pk, "pin": PIN, "items": items, "metrics": min(METRICS, items // 2 or 1),
                 "days": METRIC_DAYS, "actor_days": actor_days, "products": PRODUCTS, "per_day": PER_METRIC_DAY},
            )  # fmt: skip
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("ANALYZE")
    mark_every_item(workspace.pk, cause={"kind": "fill"})
    filled = time.monotonic() - started
    if not is_valued:
        say(f"filled {key} in {filled:.0f} s")
        return
    while settle_marks(max_seconds=30):
        pass
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    print(
        f"filled {key} in {filled:.0f} s, valued for the first time in {time.monotonic() - started - filled:.0f} s",
        flush=True,
    )


# --- the bare SQL ----------------------------------------------------------------------------------------


def bare_prepared(workspace: Any) -> None:
    """Tables like ours, with their indexes, keys and triggers, holding a row for each item, as ours do before they
    are overwritten."""
    from django.db import connection

    with connection.cursor() as cursor:
        for table in ("itemvalue", "itemusage", "valuerecord"):
            cursor.execute(f"DROP TABLE IF EXISTS bare_{table}")
            cursor.execute(f"CREATE TABLE bare_{table} (LIKE outcomes_{table} INCLUDING ALL)")
            # What LIKE leaves out: foreign keys and triggers.
            cursor.execute(_LEFT_OUT, {"table": f"outcomes_{table}", "bare": f"bare_{table}"})
            for (statement,) in cursor.fetchall():
                cursor.execute(statement)
        for table in ("itemvalue", "itemusage"):
            cursor.execute(
                f"INSERT INTO bare_{table} SELECT * FROM outcomes_{table} WHERE workspace_id = %s",
                [workspace.pk],
            )


_LEFT_OUT = """
    SELECT format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', %(bare)s, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE conrelid = %(table)s::regclass AND contype = 'f'
    UNION ALL
    SELECT replace(pg_get_triggerdef(oid), %(table)s, %(bare)s)
    FROM pg_trigger WHERE tgrelid = %(table)s::regclass AND NOT tgisinternal
"""


def bare(workspace: Any) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute((HERE / "scoring_bare.sql").read_text(), {"w": workspace.pk, "pin": PIN})


if __name__ == "__main__":
    main()
