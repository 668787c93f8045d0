"""Why a service will not do what was asked although every value was fine."""

from __future__ import annotations


class ImpossibleMove(Exception):
    """What was asked does not go together with the state the thing is in; the message says which and why."""
