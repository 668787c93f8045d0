"""A write that met another one in the wrong order is done again: whoever asked need not know of it.

PostgreSQL ends one of two transactions that wait for each other. It was rolled back whole, so that the same
request would succeed a moment later; only after a few tries is that left to the caller.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from django.db import OperationalError, connection
from rest_framework.request import Request

# Deadlock, serialization failure, and a lock that was not to be had in time.
RETRIABLE = ("40P01", "40001", "55P03")
_TRIES = 3
_PAUSE_S = 0.05


def again_after_conflict(handler: Callable[..., Any], request: Request, *args: Any, **kwargs: Any) -> Any:
    """Call the handler, and call it again when its transaction lost against another one."""
    for left in reversed(range(_TRIES)):
        try:
            return handler(request, *args, **kwargs)
        except OperationalError as error:
            sqlstate = getattr(error.__cause__, "sqlstate", None)
            # Within a transaction of somebody else's nothing can be done again on its own.
            if not left or sqlstate not in RETRIABLE or connection.in_atomic_block:
                raise
            # Two that met would only meet again after the same pause.
            time.sleep(_PAUSE_S * (1 + random.random()))  # noqa: S311
    raise AssertionError("the last try returns or raises")
