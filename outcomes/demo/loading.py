"""Loading the demo and keeping it alive: its history goes through the webhook of the running server."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic, sleep

from outcomes.demo import story
from outcomes.demo.posting import DeliveryRefused, Sender, ServerAway
from outcomes.demo.workspace import (
    Access,
    address_of,
    find_workspace,
    give_access,
    is_loaded,
    loaded_on,
    make_workspace,
)
from outcomes.models import Delivery, Mark
from productops.workspaces.models import Workspace

log = logging.getLogger(__name__)

Say = Callable[[str], None]

_STUCK_SECONDS = 120.0
_LOOK_EVERY_SECONDS = 0.5


class CannotLoad(Exception):
    """Why there is no demo now, in one line for a person."""


def load(say: Say) -> Access:
    """Make the workspace, post its history, wait until everything is computed, and give access.

    A load that was interrupted is finished. Raises CannotLoad, also when the demo is there already.
    """
    workspace = find_workspace()
    if workspace is None:
        if Workspace.objects.filter(key=story.WORKSPACE_KEY).exists():
            raise CannotLoad(f"There is a workspace {story.WORKSPACE_KEY!r} of your own: nothing was loaded.")
        workspace = make_workspace()
        say(f"Made the workspace {workspace.name}: {len(story.ITEMS)} items")
    elif is_loaded(workspace):
        raise CannotLoad("The demo is loaded already; `manage.py demo_access` issues a new key and password.")
    else:
        say("Finishing a load that was interrupted")
    _post_history(workspace, say)
    wait_until_settled(workspace, say)
    _tell_refusals(workspace, say)
    return give_access(workspace)


def post_missing_days() -> int:
    """Post the days since the last one, up to yesterday; return how many. Without a demo there are none.

    Raises CannotLoad when the server is away or refuses.
    """
    workspace = find_workspace()
    if workspace is None or not is_loaded(workspace):
        return 0
    first, last = loaded_on(workspace), workspace.today() - timedelta(days=1)
    known = _known_ids(workspace)
    days = {story.id_of_day(first + timedelta(days=n)) for n in range((last - first).days + 1)}
    if days <= known:
        return 0
    return _post(workspace, [told for told in story.later(first, last) if told.id not in known])


def top_up() -> None:
    """What the clock does: post the missing days, and leave it for next time when the server is away."""
    try:
        post_missing_days()
    except CannotLoad as reason:
        log.warning("The demo was not topped up: %s", reason)


def access_again() -> Access:
    """A new way in to the demo. Raises CannotLoad when there is none, or only half of one."""
    workspace = find_workspace()
    if workspace is None:
        raise CannotLoad("There is no demo; `manage.py load_demo` loads it.")
    if not is_loaded(workspace):
        raise CannotLoad("The demo is half loaded; `manage.py load_demo` finishes it.")
    return give_access(workspace)


def _post_history(workspace: Workspace, say: Say) -> None:
    known = _known_ids(workspace)
    told = list(story.history(loaded_on(workspace)))
    missing = [delivery for delivery in told if delivery.id not in known]
    if missing:
        rows = sum(delivery.rows for delivery in missing)
        say(f"Posting {rows:,} rows of eighteen months in {len(missing)} signed deliveries")
        _post(workspace, missing, Tenths("Posted", len(missing), say))


def _post(workspace: Workspace, deliveries: Iterable[story.Delivery], tenths: Tenths | None = None) -> int:
    """Post in order, each source over a connection of its own; return how many."""
    senders: dict[str, Sender] = {}
    posted = 0
    try:
        for delivery in deliveries:
            if delivery.source not in senders:
                senders[delivery.source] = Sender(*address_of(workspace, delivery.source))
            senders[delivery.source].post(delivery.id, delivery.body)
            posted += 1
            if tenths:
                tenths.reach(posted)
    except (ServerAway, DeliveryRefused) as reason:
        raise CannotLoad(str(reason)) from reason
    finally:
        for sender in senders.values():
            sender.close()
    return posted


def wait_until_settled(workspace: Workspace, say: Say, stuck_after: float = _STUCK_SECONDS) -> None:
    """Wait until no delivery is pending and nothing is marked. Raises CannotLoad when nothing moves."""
    left = _left(workspace)
    tenths = Tenths("Interpreted", left.deliveries, say)
    moved_at = told_at = monotonic()
    while left.any:
        sleep(_LOOK_EVERY_SECONDS)
        seen, left = left, _left(workspace)
        now = monotonic()
        if seen != left:
            moved_at = now
        tenths.reach(tenths.whole - left.deliveries)
        if left.any and not left.deliveries and now - told_at > 5:
            say(f"Computing values and verdicts: {left.marks:,} left")
            told_at = now
        if now - moved_at > stuck_after:
            raise CannotLoad(
                f"Nothing moved for {stuck_after:.0f} s with {left.deliveries} deliveries and {left.marks}"
                " computations left: is the worker running?"
            )


def _tell_refusals(workspace: Workspace, say: Say) -> None:
    for delivery in Delivery.objects.in_workspace(workspace.id).exclude(state="done").order_by("id")[:5]:
        say(f"Delivery {delivery.external_id} is {delivery.state}: {delivery.refused} rows were refused")


def _known_ids(workspace: Workspace) -> set[str]:
    deliveries = Delivery.objects.in_workspace(workspace.id).filter(external_id__startswith="demo_")
    return set(deliveries.values_list("external_id", flat=True))


@dataclass(frozen=True, slots=True)
class Left:
    """What the worker has not done yet. `newest_mark` shows movement that counts alone would hide."""

    deliveries: int
    marks: int
    newest_mark: int

    @property
    def any(self) -> bool:
        return bool(self.deliveries or self.marks)


def _left(workspace: Workspace) -> Left:
    marks = Mark.objects.in_workspace(workspace.id)
    newest = marks.order_by("-id").values_list("id", flat=True).first()
    pending = Delivery.objects.in_workspace(workspace.id).filter(state="pending")
    return Left(pending.count(), marks.count(), newest or 0)


class Tenths:
    """Says how far something is, at most ten times."""

    def __init__(self, what: str, whole: int, say: Say) -> None:
        self.whole = whole
        self._what, self._say, self._said = what, say, 0

    def reach(self, done: int) -> None:
        tenth = 10 * done // self.whole if self.whole else 0
        if tenth > self._said:
            self._said = tenth
            self._say(f"{self._what} {done} of {self.whole} deliveries")
