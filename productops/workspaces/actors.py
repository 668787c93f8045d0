"""Who does something: a person, a key, or the clock, and through which door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Via = Literal["api", "admin", "import", "webhook", "clock"]


@dataclass(frozen=True, slots=True)
class Actor:
    """The one behind a change: the person's or key's name, the person's id if it is one, and the door."""

    name: str
    user_id: int | None
    via: Via


CLOCK = Actor(name="productops", user_id=None, via="clock")
