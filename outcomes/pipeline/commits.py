"""Requests of one moment share one commit: whoever finds nobody writing writes for all that wait meanwhile.

Each is answered after the commit that holds its own row, as if it had written alone. Under load a commit, its wait
for the disk and the way to the database are paid once for all of them; a single request waits for nobody.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

from django.db import InterfaceError, OperationalError, connection

Offer = TypeVar("Offer")
Result = TypeVar("Result")

# While one commit waits for the disk, another can be collected and written.
WRITERS = 2
MOST_ROWS = 128
MOST_BYTES = 4 * 1024 * 1024
# The connection broke (08), the server is out of resources (53), shuts down or starts (57P).
_AWAY = ("08", "53", "57P")


class _Place(Generic[Offer, Result]):
    """One that waits: what it offers, and what has become of it once its turn came."""

    __slots__ = ("error", "is_written", "leads", "offer", "result", "size", "turn")

    def __init__(self, offer: Offer, size: int) -> None:
        self.offer = offer
        self.size = size
        self.turn = Lock()
        self.turn.acquire()
        self.leads = False
        self.is_written = False
        self.result: Result
        self.error: BaseException | None = None


class SharedCommits(Generic[Offer, Result]):
    """`write` commits offers and returns a result for each, in their order."""

    def __init__(self, write: Callable[[Sequence[Offer]], Sequence[Result]]) -> None:
        self._write = write
        self._lock = Lock()
        self._waiting: deque[_Place[Offer, Result]] = deque()
        self._writers = 0

    def put(self, offer: Offer, size: int) -> Result:
        """Commit an offer of `size` bytes, with others if there are any; raises what writing it raised."""
        mine = _Place[Offer, Result](offer, size)
        with self._lock:
            mine.leads = self._writers < WRITERS
            if mine.leads:
                self._writers += 1
            else:
                self._waiting.append(mine)
        if not mine.leads:
            # Whoever waits keeps no connection from those who write.
            connection.close()
            mine.turn.acquire()
        if mine.leads:
            self._lead(mine)
        if mine.error is not None:
            raise type(mine.error)(*mine.error.args) from mine.error.__cause__
        # One of those it was written with may have been at fault.
        return mine.result if mine.is_written else self._write([offer])[0]

    def _lead(self, mine: _Place[Offer, Result]) -> None:
        together = self._with_those_waiting(mine)
        try:
            results = self._write([one.offer for one in together])
            for one, result in zip(together, results, strict=True):
                one.result, one.is_written = result, True
        except BaseException as error:
            if _hits_everyone(error):
                # Trying again one by one would only take each of them as long again.
                for one in together:
                    one.error = error
            if len(together) == 1:
                raise
        finally:
            self._hand_over()
            for one in together[1:]:
                one.turn.release()

    def _with_those_waiting(self, mine: _Place[Offer, Result]) -> list[_Place[Offer, Result]]:
        together, size = [mine], mine.size
        with self._lock:
            while self._waiting and len(together) < MOST_ROWS:
                size += self._waiting[0].size
                if size > MOST_BYTES:
                    break
                together.append(self._waiting.popleft())
        return together

    def _hand_over(self) -> None:
        """Let the next that waits lead, or leave the place free."""
        with self._lock:
            if not self._waiting:
                self._writers -= 1
                return
            following = self._waiting.popleft()
            following.leads = True
        following.turn.release()


def _hits_everyone(error: BaseException) -> bool:
    if not isinstance(error, Exception):
        return True
    if not isinstance(error, (OperationalError, InterfaceError)):
        return False
    sqlstate = getattr(error.__cause__, "sqlstate", None)
    return sqlstate is None or sqlstate.startswith(_AWAY)
