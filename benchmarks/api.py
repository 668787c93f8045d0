"""Lists of a workspace of many items: queries of a page, and what page 1,000 costs against page 1.

    python benchmarks/api.py [--items 100000] [--orderings proven,-reach,...]

Works in a database of its own beside that of DATABASE_URL (or of `script/server`), which is made by COPY and dropped
again. For each ordering, forward: seconds of page 1 and of page 1,000 (the best of five), their ratio, queries of
each. Then the peak memory of items.csv. Exits 1 when a page takes more than 6 queries, or page 1,000 takes more
than 3 times page 1 and more than 50 ms.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "productops.settings")
PAGE = 50
MOST_QUERIES, MOST_TIMES, ALWAYS_WELL_S = 6, 3.0, 0.05


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--orderings", default="")
    options = parser.parse_args()
    import django

    django.setup()
    from django.test.utils import setup_databases, setup_test_environment, teardown_databases

    setup_test_environment()
    made = setup_databases(verbosity=0, interactive=False, aliases=["default"])
    try:
        return measure(options.items, options.orderings)
    finally:
        teardown_databases(made, verbosity=0)


def measure(count: int, wanted: str) -> int:
    from outcomes.api.items import ItemViewSet
    from tests.callers import Caller
    from tests.factories import a_workspace

    workspace = a_workspace()
    fill(workspace.pk, count)
    caller = Caller(workspace)
    names = (
        wanted.split(",") if wanted else [sign + name for name in ItemViewSet.orderings for sign in ("", "-")]
    )
    failed = [name for name in names if not is_well(caller, name, min(1000, count // PAGE - 1))]
    export(caller, count)
    print(f"failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


def fill(workspace: int, count: int) -> None:
    """Items with their value, usage, a link and an outcome; every tenth number is unknown, titles repeat."""
    from django.db import connection

    started = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE roadmap_item DISABLE TRIGGER USER")
        copy(
            cursor,
            "roadmap_problem",
            "id, workspace_id, key, title, description, version, created_at, updated_at",
            [(1, workspace, "lost-baskets", "Baskets are lost", "", 1, _AT, _AT)],
        )
        copy(
            cursor,
            "outcomes_metric",
            "id, workspace_id, key, name, unit, direction, aggregation, cadence, version, created_at, updated_at",
            [(1, workspace, "checkout", "Checkout", "%", "increase", "mean", "daily", 1, _AT, _AT)],
        )
        copy(
            cursor,
            "roadmap_item",
            "id, workspace_id, key, title, summary, hypothesis,"
            " kind, url, status, horizon, released_on, is_release_stated,"
            " usage_policy, exemption_reason, reach, impact, effort, version, created_at, updated_at",
            (
                (
                    n,
                    workspace,
                    f"item-{n}",
                    f"Item {n % 5000}",
                    "A summary of it",
                    "",
                    "feature",
                    "",
                    "released",
                    "",
                    f"2026-{n % 12 + 1:02}-{n % 28 + 1:02}",
                    True,
                    "normal",
                    "",
                    unknown(n, n * 7919 % 10_000),
                    unknown(n, (0.25, 0.5, 1, 2, 3)[n % 5]),
                    unknown(n, n % 40 / 4 + 0.25),
                    1,
                    _AT,
                    _at(n),
                )
                for n in ids(count)
            ),
        )
        copy(
            cursor,
            "outcomes_itemvalue",
            "workspace_id, item_id, expected, realised, proven,"
            " coverage, missing, explanation, demand, revenue_at_stake,"
            " opportunity, trend",
            (
                (
                    workspace,
                    n,
                    unknown(n, n * 31 % 9973),
                    unknown(n + 3, n * 17 % 1000 / 10),
                    unknown(n + 5, n * 13 % 997 / 10),
                    n % 11 / 10,
                    "[]",
                    "{}",
                    n % 300,
                    n % 4000,
                    unknown(n, n % 200 / 10),
                    unknown(n, n % 50 - 25.0),
                )
                for n in ids(count)
                if n % 50
            ),
        )
        copy(
            cursor,
            "outcomes_itemusage",
            "workspace_id, item_id, verdict, share, active, eligible, evidence",
            (
                (workspace, n, "healthy", unknown(n, n * 37 % 1000 / 1000), unknown(n, n % 700), 1000, "{}")
                for n in ids(count)
                if n % 25
            ),
        )
        copy(
            cursor,
            "roadmap_link",
            "workspace_id, item_id, problem_id, weight, version, created_at, updated_at",
            ((workspace, n, 1, 1.0, 1, _AT, _AT) for n in ids(count)),
        )
        copy(
            cursor,
            "outcomes_outcome",
            "workspace_id, item_id, metric_id, role, weight, controls, washout_days, version, created_at, updated_at",
            ((workspace, n, 1, "primary", 1.0, "[]", 0, 1, _AT, _AT) for n in ids(count)),
        )
        cursor.execute("ALTER TABLE roadmap_item ENABLE TRIGGER USER")
        cursor.execute("ANALYZE")
    print(f"{count} items made in {time.monotonic() - started:.1f} s")


_AT = "2026-05-01T00:00:00Z"


def _at(number: int) -> str:
    return f"2026-05-{number % 28 + 1:02}T{number % 24:02}:{number % 60:02}:00Z"


def ids(count: int) -> range:
    return range(1, count + 1)


def unknown(number: int, value: Any) -> Any:
    return None if number % 10 == 0 else value


def copy(cursor: Any, table: str, columns: str, rows: Any) -> None:
    with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as into:
        for row in rows:
            into.write_row(row)


def is_well(caller: Any, ordering: str, page: int) -> bool:
    path = f"items/?page_size={PAGE}&ordering={ordering}"
    far = cursor_before(caller, path, page)
    (first, first_queries), (last, last_queries) = best(caller, path), best(caller, far)
    ratio = last / first
    print(f"{ordering:>18}: page 1 {first * 1000:7.1f} ms, page {page} {last * 1000:7.1f} ms, "
          f"ratio {ratio:5.2f}, queries {first_queries} and {last_queries}", flush=True)  # fmt: skip
    return max(first_queries, last_queries) <= MOST_QUERIES and (ratio <= MOST_TIMES or last <= ALWAYS_WELL_S)


def cursor_before(caller: Any, path: str, page: int) -> str:
    """The address of a page: walked to in strides of 200 rows, then by one page."""
    url = path.replace(f"page_size={PAGE}", "page_size=200&fields=id")
    for _ in range(page * PAGE // 200):
        url = caller.get(url).json()["next"]
    # A cursor belongs to the question and not to the size of its pages, but to `fields`: so it is asked anew.
    from urllib.parse import parse_qs, urlsplit

    from productops.api import pages

    held = pages._signer.unsign_object(parse_qs(urlsplit(url).query)["cursor"][0])
    answer = caller.get(path).json()["next"]
    question = pages._signer.unsign_object(parse_qs(urlsplit(answer).query)["cursor"][0])["q"]
    return f"{path}&cursor={pages._signer.sign_object({**held, 'q': question})}"


def best(caller: Any, path: str) -> tuple[float, int]:
    from django.db import connection

    queries: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        queries.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        assert len(caller.get(path).json()["results"]) == PAGE
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        caller.get(path)
        seconds.append(time.perf_counter() - started)
    return min(seconds), len(queries)


def export(caller: Any, count: int) -> None:
    tracemalloc.start()
    started, lines = time.monotonic(), 0
    for part in caller.get("items.csv").streaming_content:
        lines += part.count(b"\n")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"items.csv: {lines - 1} of {count} rows in {time.monotonic() - started:.1f} s, "
          f"peak {peak / 2**20:.1f} MiB of Python's memory")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
