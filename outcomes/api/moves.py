"""From what a service cannot do to the API's own words; the rest of what actions share is the frame's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from outcomes.services.refusals import ImpossibleMove
from productops.api.actions import IF_MATCH as IF_MATCH
from productops.api.actions import checked as checked
from productops.api.actions import moved as moved
from productops.api.actions import refuse_body as refuse_body
from productops.api.preconditions import version_if_said as version_if_said
from productops.api.problems import Problem


@contextmanager
def impossible_is_409() -> Iterator[None]:
    """Answer 409 when what was asked does not go together with the state the thing is in."""
    try:
        yield
    except ImpossibleMove as move:
        raise Problem(409, "impossible_move", str(move)) from move
