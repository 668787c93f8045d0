"""Progress, for a person who watches."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Telling:
    """Says a line on standard output with the seconds since the start, and in the server's log."""

    log: Path
    started: float = field(default_factory=time.monotonic)

    def __call__(self, text: str) -> None:
        tell(f"[{time.monotonic() - self.started:5.1f} s] {text}")
        with contextlib.suppress(OSError), self.log.open("a") as log:
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")


def tell(text: str) -> None:
    """Prints; a terminal that is gone must not take the server with it."""
    with contextlib.suppress(OSError):
        print(text, flush=True)
