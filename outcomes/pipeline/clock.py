"""When the day turns: everything is judged again as of the new day, by one clock for the whole run."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from outcomes.models import Experiment, Flag, FlagAction, ItemSource, Source, WorkspaceClock
from outcomes.pipeline.effect_marks import effects_that_fill
from outcomes.pipeline.flag import BY_CLOCK, CLOCK
from outcomes.pipeline.marks import mark
from outcomes.pipeline.quiet import begin_quiet_run, end_quiet_runs
from productops.workspaces.attribution import acting
from productops.workspaces.models import Workspace
from roadmap.models import Item, Problem


def tick(now: datetime | None = None) -> int:
    """Move every workspace whose day has turned; wake snoozed flags. Returns how many moved."""
    moment = now or timezone.now()
    moved = 0
    for workspace in Workspace.objects.order_by("id"):
        with transaction.atomic():
            moved += _move(workspace, workspace.today(moment))
        _wake_flags(workspace, moment.astimezone(workspace.zone).date())
    end_quiet_runs()
    return moved


def judge_anew(workspace: Workspace, cause: dict[str, object], *, quiet: str | None = None) -> None:
    """Mark everything of a workspace, for every day: its pin, zone or thresholds have changed.

    With `quiet` (a kind of quiet run) what changes by it is told in one digest.
    """
    mark("problem", workspace.pk, _ids(Problem.objects.filter(workspace=workspace)), cause=cause)
    mark("source", workspace.pk, _ids(Source.objects.filter(workspace=workspace)), cause=cause)
    mark("audience", workspace.pk, _counted_products(workspace), cause=cause)
    mark("effect", workspace.pk, effects_that_fill(workspace.pk, None, workspace.today()), cause=cause)
    mark("experiment", workspace.pk, _ids(Experiment.objects.filter(workspace=workspace)), cause=cause)
    mark("item", workspace.pk, _ids(Item.objects.filter(workspace=workspace)), cause=cause)
    if quiet is not None:
        begin_quiet_run(workspace.pk, quiet, cause)


def _move(workspace: Workspace, today: date) -> int:
    clock = WorkspaceClock.objects.select_for_update().filter(workspace=workspace).first()
    if clock is not None and clock.judged_on == today:
        return 0
    cause: dict[str, object] = {"kind": "clock", "on": today.isoformat()}
    if clock is None or clock.judged_on > today:
        judge_anew(workspace, cause)
    else:
        first = clock.judged_on + timedelta(days=1)
        # Nothing was heard of them: whether they are silent is to be looked at, once what they sent is read.
        mark(
            "source",
            workspace.pk,
            _ids(Source.objects.filter(workspace=workspace)),
            from_on=date.max,
            cause=cause,
        )
        mark("audience", workspace.pk, _counted_products(workspace), from_on=first, cause=cause)
        mark("effect", workspace.pk, effects_that_fill(workspace.pk, first, today), cause=cause)
        mark("experiment", workspace.pk, _turning_experiments(workspace, first, today), cause=cause)
        mark("item", workspace.pk, _ids(Item.objects.filter(workspace=workspace)), from_on=first, cause=cause)
    WorkspaceClock.objects.update_or_create(workspace=workspace, defaults={"judged_on": today})
    return 1


def _wake_flags(workspace: Workspace, today: date) -> None:
    """Snoozes end by the wall clock, whatever day the workspace is pinned to."""
    with transaction.atomic():
        due = Flag.every.filter(workspace=workspace, state="snoozed", snoozed_until__lte=today)
        for flag in due.order_by("id").select_for_update(skip_locked=True):
            flag.state, flag.snoozed_until = "open", None
            flag.version += 1
            with acting(BY_CLOCK):
                flag.save(update_fields=["state", "snoozed_until", "version", "updated_at"])
            FlagAction.objects.create(
                workspace_id=workspace.pk,
                flag=flag,
                action="wake",
                from_state="snoozed",
                to_state="open",
                by=CLOCK,
            )


def _counted_products(workspace: Workspace) -> list[int]:
    rows = ItemSource.objects.filter(workspace=workspace, has_events=True, item__product__isnull=False)
    return sorted(set(rows.values_list("item__product_id", flat=True)))


def _turning_experiments(workspace: Workspace, first: date, today: date) -> list[int]:
    """Experiments whose result became one, and those of items that are released by now."""
    is_over = Q(state="running", ended_on__range=(first - timedelta(days=1), today - timedelta(days=1)))
    is_over |= Q(result_on__range=(first, today))
    is_released = Q(item__released_on__range=(first, today))
    return _ids(Experiment.objects.filter(is_over | is_released, workspace=workspace))


def _ids(rows: object) -> list[int]:
    return list(rows.order_by("id").values_list("id", flat=True))  # type: ignore[attr-defined]
