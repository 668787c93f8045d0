"""Plans that the database may choose any day, chosen for it, and what a plan came to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

_OTHER_WAYS = ["hashjoin", "mergejoin", "hashagg", "sort", "material", "memoize", "indexscan", "bitmapscan"]


def only_nested_loops() -> None:
    """For the rest of the transaction: what stands on the inner side of a join may be asked again for every row."""
    with connection.cursor() as cursor:
        for way in _OTHER_WAYS:
            cursor.execute(f"SET LOCAL enable_{way} = off")


@contextmanager
def rows_handled() -> Iterator[list[int]]:
    """How many rows each SELECT inside went through, told by the plan that the database has for it there and then.

    Rows that a step gave or dropped, each time it was run: what is compared with what, whatever the clock says.
    """
    handled: list[int] = []

    def explained(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        if str(sql).lstrip().startswith(("SELECT", "WITH")) and not many:
            with connection.connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) {sql}", params)
                (((told,),),) = cursor.fetchall()
            handled.append(_rows_of(told["Plan"]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explained):
        yield handled


def _rows_of(step: dict[str, Any]) -> int:
    dropped = sum(number for name, number in step.items() if name.startswith("Rows Removed by"))
    own = (step["Actual Rows"] + dropped) * step["Actual Loops"]
    return round(own) + sum(_rows_of(part) for part in step.get("Plans", ()))
