"""Send what is due: many notices at a time, none of them waiting for a slow receiver of another."""

from __future__ import annotations

import logging
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from django.conf import settings
from django.db import DatabaseError, connection

from outcomes.channels.parcels import deliver
from outcomes.channels.wire import Answer
from outcomes.instruments import ATTEMPTS
from outcomes.pipeline.alone import alone
from outcomes.pipeline.claims import Claimed, claim, record
from outcomes.pipeline.digests import make_digests

logger = logging.getLogger(__name__)

# Attempts that are under way at a time, in threads that only wait for the network.
SLOTS = 32
# How soon a free place is filled again while others still wait for their answers.
LOOK_AGAIN_SECONDS = 0.25
# One worker sends at a time: however many there are, the others are left to what comes in.
_LOCK = 0x70_6F_6E_74


def send_waiting(*, max_seconds: float) -> int:
    """Make the digests that are due and send what is, unless another worker is at it; return how many attempts."""
    with alone(_LOCK) as is_alone:
        if not is_alone:
            return 0
        make_digests()
        return send_due(max_seconds=max_seconds)


def send_due(*, max_seconds: float) -> int:
    """Send what is due until nothing is, or no new attempts after `max_seconds`; return how many were made.

    No transaction is open while anything is on its way, and threads know no database.
    """
    until = time.monotonic() + max_seconds
    made = 0
    with ThreadPoolExecutor(SLOTS, thread_name_prefix="notice") as pool:
        flying: dict[Future[Answer], Claimed] = {}
        while True:
            room = SLOTS - len(flying)
            if room and time.monotonic() < until:
                for one in claim(room):
                    flying[pool.submit(_deliver, one)] = one
            if not flying:
                return made
            landed, _ = wait(flying, timeout=LOOK_AGAIN_SECONDS, return_when=FIRST_COMPLETED)
            for future in landed:
                answer = future.result()
                ATTEMPTS.labels("failed" if answer.error else "delivered").inc()
                _record(flying.pop(future), answer)
                made += 1


def _record(claimed: Claimed, answer: Answer) -> None:
    """Write an answer down; if it cannot be, the others still are, and the notice is due again after its lease."""
    for is_last in (False, True):
        try:
            record(claimed, answer)
        except DatabaseError:
            # Another worker held a lock, or the connection is gone: a second look is worth it.
            connection.close_if_unusable_or_obsolete()
            if is_last:
                logger.exception("cannot record an attempt at notice %s", claimed.notice_id)
        else:
            return


def _deliver(claimed: Claimed) -> Answer:
    try:
        return deliver(claimed.parcel, settings.WEBHOOK_PRIVATE_NETWORKS)
    except Exception as error:
        # A fault of ours in one message is an attempt that failed, and no reason to leave the others.
        logger.exception("cannot deliver notice %s", claimed.notice_id)
        return Answer(None, f"internal: {type(error).__name__}", 0)
