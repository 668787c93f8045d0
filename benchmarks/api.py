"""Lists of a workspace of many items: queries of a page, and what page 1,000 costs against page 1.

    python -m benchmarks.api [--items 100000] [--resource items|problems|evidence|flags|effects|changes|all]
                             [--orderings proven,-reach,...] [--rounds 7] [--keep]

Starts a PostgreSQL of its own in var/bench-api (removed at the end unless --keep: a second run uses it as it is) and
fills a workspace with benchmarks/api_fill.sql, for other resources than items also with as many rows of each
(api_fill_more.sql). For each ordering, with and without filters: milliseconds of the
whole request of page 1 and of page 1,000, taken in turns (the best of the rounds), their ratio, and the queries of
each. Exits 1 when a page takes more than 6 queries, or page 1,000 takes more than 3 times page 1 and more than 50 ms.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.servers import own_servers

FILL = Path(__file__).parent / "api_fill.sql"
FILL_MORE = FILL.with_name("api_fill_more.sql")
# Nobody asks who made these rows, and the weights of their links are known.
RECORDED = (
    "roadmap_item",
    "roadmap_link",
    "roadmap_problem",
    "roadmap_evidence",
    "outcomes_outcome",
    "outcomes_flag",
    "outcomes_effect",
)
PAGE = 50
MOST_QUERIES, MOST_TIMES, ALWAYS_WELL_S = 6, 3.0, 0.05
FILTERS = (
    "status=released",
    "problem=lost-baskets",
    "problem=lost-baskets&ordering=-proven,title",
    "problem=lost-baskets&product=product-1&metric=checkout&count=true&expand=releases",
    "metric=checkout&ordering=-demand",
    "verdict=healthy&has_outcome=true",
    "flag=under_used",
    "search=summary&ordering=-title",
    "released_after=2026-02-01&ordering=released_on",
    "proven_min=10&ordering=-updated_at",
    "count=true&expand=releases",
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument(
        "--resource",
        default="items",
        choices=["items", "problems", "evidence", "flags", "effects", "changes", "all"],
    )
    parser.add_argument("--orderings", default="", help="these alone, without the filters")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    with own_servers("bench-api", is_kept=options.keep):
        return measure(options)


def measure(options: argparse.Namespace) -> int:
    from django.test.utils import setup_test_environment

    from tests.callers import Caller

    setup_test_environment()
    caller = Caller(filled(options.items, is_more=options.resource != "items"))
    print("| list | page 1 | page | of that | ratio | queries |\n| --- | --- | --- | --- | --- | --- |")
    failed = [query for query in asked_of(options) if not is_well(caller, query, options)]
    print(f"failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


def views() -> dict[str, Any]:
    """The view of each list, by its resource."""
    from outcomes.api.effects import EffectViewSet
    from outcomes.api.flags import FlagViewSet
    from outcomes.api.items import ItemViewSet
    from productops.api.changes import ChangeViewSet
    from roadmap.api.views import EvidenceViewSet, ProblemViewSet

    return {
        "items": ItemViewSet,
        "problems": ProblemViewSet,
        "evidence": EvidenceViewSet,
        "flags": FlagViewSet,
        "effects": EffectViewSet,
        "changes": ChangeViewSet,
    }


def asked_of(options: argparse.Namespace) -> list[str]:
    """The lists to ask for: of every resource that is wanted all orderings, of items also with filters."""
    wanted = views() if options.resource == "all" else {options.resource: views()[options.resource]}
    asked = []
    for resource, view in wanted.items():
        names = [sign + name for name in view.orderings for sign in ("", "-")]
        said = options.orderings.split(",") if options.orderings else names
        asked += [f"{resource}/?ordering={name}" for name in said]
    if "items" in wanted and not options.orderings:
        asked += [f"items/?{query}" for query in FILTERS]
    return asked


def filled(count: int, *, is_more: bool) -> Any:
    """The workspace of that many items, and of other rows if there are to be more, made if it is not there."""
    from django.db import connection, transaction

    from productops.workspaces.models import Workspace

    key = f"{'rows' if is_more else 'items'}-{count}"
    workspace = Workspace.objects.filter(key=key).first()
    if workspace is None:
        started = time.monotonic()
        with transaction.atomic(), connection.cursor() as cursor:
            workspace = Workspace.objects.create(key=key, name="Many")
            # The checks of foreign keys are planned while the tables look empty, and kept.
            cursor.execute("SET LOCAL enable_seqscan = off")
            for table in RECORDED:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            files = (FILL, FILL_MORE) if is_more else (FILL,)
            for statement in (
                part for file in files for part in file.read_text().split(";\n") if part.strip()
            ):
                cursor.execute(statement, {"w": workspace.pk, "items": count})
            # What was checked late is checked now: a table is not altered while that is due.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table in RECORDED:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        print(f"{count} items made in {time.monotonic() - started:.1f} s")
    return workspace


def is_well(caller: Any, query: str, options: argparse.Namespace) -> bool:
    path = f"{query}&page_size={PAGE}"
    page, far = far_page(caller, path, min(1000, options.items // PAGE - 1))
    queries = (spent_on(caller, path), spent_on(caller, far))
    first, last = best(caller, (path, far), options.rounds)
    ratio = last / first
    print(
        f"| `{query}` | {first * 1000:.1f} ms | {page} | {last * 1000:.1f} ms | {ratio:.2f} "
        f"| {queries[0]}, {queries[1]} |",
        flush=True,
    )
    return max(queries) <= MOST_QUERIES and (ratio <= MOST_TIMES or last <= ALWAYS_WELL_S)


def far_page(caller: Any, path: str, wanted: int) -> tuple[int, str]:
    """The number and address of a page far in, at most the wanted one: as its predecessor's `next` would say it."""
    from productops.api import pages
    from productops.api.keyset import Cursor

    view, request = listing(caller, path)
    rows = view.filter_queryset(view.get_queryset())
    number = min(wanted, rows.count() // PAGE)
    if number < 2:
        return 1, path
    last = pages.in_order(rows, request, view)[(number - 1) * PAGE - 1]
    terms = pages._terms(request, view)
    columns = pages._columns(terms, view, view.model)
    key = tuple(getattr(last, f"keyset_{index}") for index in range(len(columns)))
    cursor = pages._write_cursor(Cursor(key), pages._question(request, terms, columns))
    return number, f"{path}&cursor={cursor}"


def listing(caller: Any, path: str) -> tuple[Any, Any]:
    """The view of a list and its request, as far as they are when rows are asked for."""
    from django.test import RequestFactory

    view: Any = views()[path.partition("/")[0]]()
    view.action_map, view.action, view.args, view.kwargs, view.format_kwarg = (
        {"get": "list"},
        "list",
        (),
        {},
        None,
    )
    view.request = view.initialize_request(RequestFactory().get(f"/api/v1/{path}", headers=caller.headers))
    view.get = view.list
    view.initial(view.request)
    return view, view.request


def spent_on(caller: Any, path: str) -> int:
    """The queries of a request: the fewer of two, for once a minute the use of a key is written down."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            answer = caller.get(path)
        assert answer.status_code == 200, answer.content
        assert answer.json()["results"], path
        counts.append(len(queries))
    assert min(counts) > 0, "queries go by another connection than the one that is looked at"
    return min(counts)


def best(caller: Any, paths: tuple[str, str], rounds: int) -> tuple[float, float]:
    """The shortest time of each, one after the other in every round."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for path, seconds in zip(paths, taken, strict=True):
            started = time.perf_counter()
            caller.get(path)
            seconds.append(time.perf_counter() - started)
    return min(taken[0]), min(taken[1])


if __name__ == "__main__":
    sys.exit(main())
