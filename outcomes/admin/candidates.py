"""Names that nobody claimed yet: each becomes an item, a metric, an experiment or evidence by one button."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.contrib import admin, messages
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils.html import format_html

from outcomes.models import Candidate, Experiment, Metric, Rule
from outcomes.models.metrics import AGGREGATIONS
from outcomes.services import candidates
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.admin.acting import ActionInput, ActionRefused, RowAction
from productops.workspaces.admin.filters import ScopedRelatedFilter
from productops.workspaces.admin.owned import ReadOnlyAdmin, link_to
from productops.workspaces.complaints import Complaint, Refused
from productops.workspaces.scope import EDITOR, asking
from productops.workspaces.versions import NotHere, StaleEdit
from roadmap.admin.numbers import UNKNOWN
from roadmap.admin.problems import problem_named
from roadmap.models import Item, Problem

ACCEPT, ACCEPT_METRIC, DISMISS = "accept", "accept-metric", "dismiss"
# Offered to choose from beside a box that takes any key.
_OFFERED = 100
_TAKEN = "What was said of it so far is taken, too."
RELEASED_ON = "released_on"


@admin.register(Candidate)
class CandidateAdmin(ReadOnlyAdmin):
    empty_note = (
        "Nothing is unclaimed. A name that arrives and belongs to no item or metric waits here, with how often it"
        " came: one button makes it an item or a metric, and what was said of it so far is taken, too."
    )
    place = 7
    is_record = False
    act_role = EDITOR
    list_display = ("name", "kind", "source", "state", "count", "last_seen_at")
    list_filter = ("state", "kind", ("source", ScopedRelatedFilter))
    list_select_related = ("source", "workspace")
    search_fields = ("name",)
    ordering = ("-count", "-id")
    fields = (
        "name",
        "kind",
        "source",
        "state",
        "became",
        "count",
        ("first_seen_at", "last_seen_at"),
        "sample_shown",
    )
    actions = ("accept_selected", "dismiss_selected")

    @admin.display(description="became")
    def became(self, candidate: Candidate) -> str:
        row = _became(candidate) if candidate.state == "accepted" else None
        return link_to(row, str(row)) if row is not None else UNKNOWN

    @admin.display(description="a sample")
    def sample_shown(self, candidate: Candidate) -> str:
        if not candidate.sample:
            return UNKNOWN
        return format_html(
            '<pre class="po-source">{}</pre>', json.dumps(candidate.sample, indent=1, ensure_ascii=False)
        )

    def row_actions(self, request: HttpRequest, row: Candidate) -> Sequence[RowAction]:
        if row.state == "accepted":
            return ()
        dismiss = RowAction(DISMISS, "Dismiss", help_text="Of no interest. It goes on being counted.")
        return (*_accepting(row), *((dismiss,) if row.state == "open" else ()))

    def act(
        self, request: HttpRequest, row: Candidate, name: str, version: int | None, data: Mapping[str, str]
    ) -> str:
        if name not in (ACCEPT, ACCEPT_METRIC, DISMISS):
            raise Http404
        try:
            if name == DISMISS:
                candidates.dismiss_candidate(**asking(request), candidate_id=row.pk, version=version)
                return f"“{row.name}” is set aside."
            made = candidates.accept_candidate(
                **asking(request), candidate_id=row.pk, version=version, **_said(row, name, data)
            )
        except ImpossibleMove as impossible:
            raise ActionRefused(str(impossible)) from impossible
        return _told(row, made)

    @admin.action(description="Accept selected candidates as what they are", permissions=["act"])
    def accept_selected(self, request: HttpRequest, queryset: QuerySet[Candidate]) -> None:
        def accept(row: Candidate) -> None:
            said = _said(row, ACCEPT, {})
            candidates.accept_candidate(**asking(request), candidate_id=row.pk, version=row.version, **said)

        self._each(request, queryset, accept, "accepted")

    @admin.action(description="Dismiss selected candidates", permissions=["act"])
    def dismiss_selected(self, request: HttpRequest, queryset: QuerySet[Candidate]) -> None:
        def dismiss(row: Candidate) -> None:
            candidates.dismiss_candidate(**asking(request), candidate_id=row.pk, version=row.version)

        self._each(request, queryset, dismiss, "set aside")

    def _each(self, request: HttpRequest, queryset: QuerySet[Candidate], do: Any, done: str) -> None:
        """Each by itself: one that wants to be told more does not hold up the others."""
        count, left = 0, []
        for row in queryset.select_related("source", "workspace").order_by("pk"):
            try:
                with transaction.atomic():
                    do(row)
                count += 1
            except (Refused, ImpossibleMove, StaleEdit, NotHere, IntegrityError):
                left.append(row.name)
        if count:
            messages.success(request, f"{count} {'candidate' if count == 1 else 'candidates'} {done}.")
        if left:
            messages.warning(
                request, f"Left as they are, open them to see why: {', '.join(left[:10])[:500]}."
            )


def _accepting(row: Candidate) -> tuple[RowAction, ...]:
    """The buttons that accept a candidate, and what each asks for; what is made up is filled in."""
    if row.kind == "item":
        return (RowAction(ACCEPT, "Accept as an item", (_title(row), _out_since(row)), _TAKEN),)
    if row.kind == "metric":
        how = ActionInput("aggregation", "A level is the", options=AGGREGATIONS, value="mean")
        return (RowAction(ACCEPT, "Accept as a metric", (_title(row), how), _TAKEN),)
    if row.kind == "experiment":
        on = ActionInput("item", "On the item (key)", is_required=True, suggestions=_items(row))
        decided = ActionInput("metric", "decided on (metric; blank: the item's)", suggestions=_metrics(row))
        return (RowAction(ACCEPT, "Accept as an experiment", (on, decided), _TAKEN),)
    if row.kind == "evidence":
        of = ActionInput("problem", "As evidence for (key)", is_required=True, suggestions=_problems(row))
        return (RowAction(ACCEPT, "Accept", (of,), "Makes it evidence for a problem."),)
    item = ActionInput("key", "of the item (key)", value=_slug(row.name), suggestions=_items(row))
    metric = ActionInput("key", "of the metric (key)", value=_slug(row.name))
    value = ActionInput("value", "with the value (blank: 1 each)", value="")
    return (
        RowAction(
            ACCEPT,
            "Accept as use",
            (item, _out_since(row)),
            "A new key makes the item. The rule is made, too.",
        ),
        RowAction(ACCEPT_METRIC, "Accept as observations", (metric, value), "Such as properties.revenue."),
    )


def _out_since(row: Candidate) -> ActionInput:
    """What people use is out. The day it was first heard of is the best guess, and the person knows better."""
    heard = row.first_seen_at.astimezone(row.workspace.zone).date()
    return ActionInput(RELEASED_ON, "out since (blank: not yet)", "date", value=heard.isoformat())


def _title(row: Candidate) -> ActionInput:
    words = re.sub(r"[-_.\s]+", " ", row.name).strip()
    return ActionInput("title", "called", value=f"{words[:1].upper()}{words[1:]}" or row.name)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")[:200]


def _items(row: Candidate) -> Sequence[tuple[str, str]]:
    held = Item.objects.in_workspace(row.workspace_id).filter(archived_at=None)
    return list(held.order_by("-updated_at", "-id").values_list("key", "title")[:_OFFERED])


def _metrics(row: Candidate) -> Sequence[tuple[str, str]]:
    held = Metric.objects.in_workspace(row.workspace_id).filter(archived_at=None)
    return list(held.order_by("-updated_at", "-id").values_list("key", "name")[:_OFFERED])


def _problems(row: Candidate) -> Sequence[tuple[str, str]]:
    """The problems that are said in like words, likest first."""
    likest = [like.problem_id for like in candidates.suggested_problems(row)]
    found = Problem.objects.in_workspace(row.workspace_id).in_bulk(likest)
    return [(found[pk].key, found[pk].title) for pk in likest if pk in found]


def _said(row: Candidate, name: str, data: Mapping[str, str]) -> dict[str, Any]:
    """What the button's inputs said, as the service takes it. Raises Refused."""
    given = {one: data.get(one, "").strip() for one in ("title", "aggregation", "key", "value")}
    said: dict[str, Any] = {one: value for one, value in given.items() if value}
    if row.kind == "evidence":
        said["problem"] = problem_named(row.workspace_id, data.get("problem", "").strip(), "problem")
    if row.kind == "experiment" and data.get("item", "").strip():
        said["item"] = _item_named(row.workspace_id, data["item"].strip())
    if row.kind == "experiment" and data.get("metric", "").strip():
        said["metric"] = _metric_named(row.workspace_id, data["metric"].strip())
    if row.kind == "event":
        said["to"] = "observation" if name == ACCEPT_METRIC else "usage"
    if row.kind in ("item", "event") and name == ACCEPT and data.get(RELEASED_ON, "").strip():
        said[RELEASED_ON] = _day(data[RELEASED_ON].strip())
    return said


def _day(said: str) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError as error:
        bad = Complaint(RELEASED_ON, "invalid", "Say since which day it is out, such as 2026-12-01.")
        raise Refused([bad]) from error


def _item_named(workspace_id: int, key: str) -> Item:
    found: Item | None = (
        Item.objects.in_workspace(workspace_id).by_ref(key).first() if key.isprintable() else None
    )
    if found is None:
        raise Refused([Complaint("item", "does_not_exist", f"There is no item {key[:100]!r} here.")])
    return found


def _metric_named(workspace_id: int, key: str) -> Metric:
    found: Metric | None = (
        Metric.objects.in_workspace(workspace_id).by_ref(key).first() if key.isprintable() else None
    )
    if found is None:
        raise Refused([Complaint("metric", "does_not_exist", f"There is no metric {key[:100]!r} here.")])
    return found


def _told(row: Candidate, made: Mapping[str, Any]) -> str:
    count = sum(replay.total for replay in made["replays"])
    again = f"{count} {'delivery is' if count == 1 else 'deliveries are'} read again."
    if row.kind == "evidence":
        return f"It is evidence; {again}"
    row_made = made["experiment"] or made["item"] or made["metric"]
    return format_html("“{}” is there; {}", link_to(row_made, str(row_made)), again)


def _became(row: Candidate) -> Any:
    """What an accepted candidate is now; of an event the rule that says what it means."""
    if row.kind == "event":
        rules = Rule.objects.filter(source=row.source_id, match=candidates.match_of(row))
        return rules.select_related("source", "item", "metric").order_by("id").first()
    if row.kind == "evidence":
        return row.problem
    models: Mapping[str, Any] = {"item": Item, "metric": Metric, "experiment": Experiment}
    return models[row.kind].objects.in_workspace(row.workspace_id).filter(key=row.name).first()
