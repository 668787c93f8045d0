"""Plans that the database may choose any day, chosen for it."""

from __future__ import annotations

from django.db import connection

_OTHER_WAYS = ["hashjoin", "mergejoin", "hashagg", "sort", "material", "memoize", "indexscan", "bitmapscan"]


def only_nested_loops() -> None:
    """For the rest of the transaction: what stands on the inner side of a join may be asked again for every row."""
    with connection.cursor() as cursor:
        for way in _OTHER_WAYS:
            cursor.execute(f"SET LOCAL enable_{way} = off")
