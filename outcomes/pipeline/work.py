"""What a worker does, in turns: read what came in, settle what that marked, and again, until nothing is left.

In turns, because each of the two alone never ends under a steady stream, and a value is new only after both.
"""

from __future__ import annotations

import time

from outcomes.pipeline.interpret import interpret_pending
from outcomes.pipeline.quiet import end_quiet_runs
from outcomes.pipeline.settle import settle_round

# With a backlog, deliveries are read for this long before values are brought up to them: long enough that a
# day is not rolled up again after every batch, short enough that whoever looks sees the backlog arrive.
TURN_SECONDS = 1.0


def work(*, max_seconds: float) -> bool:
    """Interpret and settle in turns; return whether the time was up before the work was."""
    until = time.monotonic() + max_seconds
    is_done = False
    while not is_done and (left := until - time.monotonic()) > 0:
        interpreted = interpret_pending(max_seconds=min(left, TURN_SECONDS), is_turn=True)
        is_done = not settle_round(until) and not interpreted
    end_quiet_runs()
    return not is_done
