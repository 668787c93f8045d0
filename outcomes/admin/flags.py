"""Flags: what wants a person, with the numbers it rests on and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils import timezone

from outcomes.admin.badges import badge
from outcomes.admin.evidence_words import evidence_at_opening, evidence_of, sentences_of
from outcomes.models import Flag, FlagAction, QuietRun
from outcomes.querysets import OPEN_STATES
from outcomes.services import flags as flag_services
from outcomes.services.flag_moves import ALLOWED_FROM
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.admin.acting import ActionInput, ActionRefused, RowAction
from productops.workspaces.admin.filters import ChosenRelatedFilter, WordsFilter
from productops.workspaces.admin.owned import ReadOnlyAdmin, link_to
from productops.workspaces.complaints import Complaint, Refused
from productops.workspaces.scope import EDITOR, asking, workspace_in_hand
from roadmap.admin.numbers import UNKNOWN, words

_SNOOZE_FOR = timedelta(days=28)

ACKNOWLEDGE = RowAction("acknowledge", "Acknowledge")
DISMISS = RowAction("dismiss", "Dismiss", (ActionInput("reason", "because (optional)"),))
ACCEPT = RowAction("accept", "Accept: sunset the item", is_grave=True)
REOPEN = RowAction("reopen", "Reopen")
UNDO = RowAction("undo", "Undo the last step")
SNOOZE, SNOOZE_UNTIL = "snooze", "until"

_SAID = {
    "acknowledge": "Acknowledged: {}.",
    "snooze": "Snoozed: {}.",
    "dismiss": "Dismissed: {}.",
    "accept": "Accepted: {}; the item moves to sunset.",
    "reopen": "Open again: {}.",
    "undo": "Undone: {}.",
}


class StandingFilter(admin.SimpleListFilter):
    """Flags that still want somebody come first; those that are settled are asked for."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        settled = [(state, state.capitalize()) for state in ("resolved", "dismissed", "accepted")]
        return [(state, state.capitalize()) for state in OPEN_STATES] + settled + [("any", "Any")]

    def choices(self, changelist: Any) -> Any:
        for number, choice in enumerate(super().choices(changelist)):
            yield choice if number else {**choice, "display": "Standing"}

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() is None:
            return queryset.standing()
        return queryset if self.value() == "any" else queryset.filter(state=self.value())


@admin.register(Flag)
class FlagAdmin(ReadOnlyAdmin):
    empty_note = (
        "Nothing wants you. A flag stands here when a feature goes unused, a target is missed, an effect is worse"
        " or a source falls silent."
    )
    place = 1
    is_record = False
    act_role = EDITOR
    list_display = (
        "reason_shown",
        "subject",
        "state_shown",
        "opened_on",
        "recommendation_shown",
        "main_point",
    )
    list_filter = (
        StandingFilter,
        ("reason", WordsFilter),
        ("item", ChosenRelatedFilter),
        ("source", ChosenRelatedFilter),
    )
    list_select_related = ("item", "source", "outcome__metric")
    search_fields = ("item__key", "item__title", "source__key", "source__name")
    ordering = ("-opened_on", "-id")
    actions = (
        "acknowledge_selected",
        "snooze_selected",
        "dismiss_selected",
        "accept_selected",
        "reopen_selected",
        "undo_selected",
    )
    fields = (
        "reason_shown",
        "subject_link",
        "state_shown",
        "recommendation_shown",
        "evidence_shown",
        "opening_shown",
        ("opened_on", "holding_since"),
        "snoozed_until",
        "dismiss_reason",
        ("resolved_on", "resolved_cause"),
    )
    change_form_template = "admin/outcomes/flag/change_form.html"

    @admin.display(description="reason", ordering="reason")
    def reason_shown(self, flag: Flag) -> str:
        return badge(flag.reason)

    @admin.display(description="state", ordering="state")
    def state_shown(self, flag: Flag) -> str:
        return f"snoozed until {flag.snoozed_until}" if flag.state == "snoozed" else flag.state

    @admin.display(description="about", ordering="item__title")
    def subject(self, flag: Flag) -> str:
        return subject_of(flag)

    @admin.display(description="about")
    def subject_link(self, flag: Flag) -> str:
        return link_to(flag.item or flag.source, subject_of(flag))

    @admin.display(description="suggested", ordering="recommendation")
    def recommendation_shown(self, flag: Flag) -> str:
        return words(flag.recommendation)

    @admin.display(description="because")
    def main_point(self, flag: Flag) -> str:
        return (sentences_of(flag) or [UNKNOWN])[0]

    @admin.display(description="because")
    def evidence_shown(self, flag: Flag) -> str:
        return evidence_of(flag) or UNKNOWN

    @admin.display(description="when it was raised")
    def opening_shown(self, flag: Flag) -> str:
        return evidence_at_opening(flag) or "As now." if flag.opened_with else UNKNOWN

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        flag = self.get_object(request, object_id)
        steps = (
            FlagAction.objects.in_workspace(flag.workspace_id).filter(flag=flag).order_by("-at", "-id")[:50]
        )
        context = {
            "steps": steps,
            "subtitle": f"{words(flag.reason)}: {subject_of(flag)}",
            **(extra_context or {}),
        }
        return super().change_view(request, object_id, form_url, context)

    def row_actions(self, request: HttpRequest, row: Flag) -> Sequence[RowAction]:
        offered = []
        if row.state in ALLOWED_FROM["acknowledge"]:
            offered.append(ACKNOWLEDGE)
        if row.state in OPEN_STATES:
            offered += [snooze_action(workspace_in_hand(request).zone), DISMISS]
            if row.item_id is not None and row.item is not None and row.item.status == "released":
                offered.append(ACCEPT)
        else:
            offered += [REOPEN] if row.state in ALLOWED_FROM["reopen"] else []
        # What resolved by itself was nobody's step.
        return offered if row.state in ("open", "resolved") else [*offered, UNDO]

    def act(
        self, request: HttpRequest, row: Flag, name: str, version: int | None, data: Mapping[str, str]
    ) -> str:
        do = _MOVES.get(name)
        if do is None:
            raise Http404
        given = _given(name, data)
        try:
            do(**asking(request), flag_id=row.pk, version=version, **given)
        except ImpossibleMove as impossible:
            raise ActionRefused(str(impossible)) from impossible
        return _SAID[name].format(f"{words(row.reason)}, {subject_of(row)}")

    @admin.action(description="Acknowledge selected flags", permissions=["act"])
    def acknowledge_selected(self, request: HttpRequest, queryset: QuerySet[Flag]) -> None:
        self._move_selected(request, queryset, "acknowledge", {}, "acknowledged")

    @admin.action(description="Snooze selected flags for four weeks", permissions=["act"])
    def snooze_selected(self, request: HttpRequest, queryset: QuerySet[Flag]) -> None:
        until = timezone.now().astimezone(workspace_in_hand(request).zone).date() + _SNOOZE_FOR
        self._move_selected(request, queryset, "snooze", {"until": until}, f"snoozed until {until}")

    @admin.action(description="Dismiss selected flags", permissions=["act"])
    def dismiss_selected(self, request: HttpRequest, queryset: QuerySet[Flag]) -> None:
        self._move_selected(request, queryset, "dismiss", {}, "dismissed")

    @admin.action(description="Accept selected flags: sunset their items", permissions=["act"])
    def accept_selected(self, request: HttpRequest, queryset: QuerySet[Flag]) -> None:
        self._move_selected(request, queryset, "accept", {}, "accepted")

    @admin.action(description="Reopen selected flags", permissions=["act"])
    def reopen_selected(self, request: HttpRequest, queryset: QuerySet[Flag]) -> None:
        self._move_selected(request, queryset, "reopen", {}, "open again")

    @admin.action(description="Undo the last step of selected flags", permissions=["act"])
    def undo_selected(self, request: HttpRequest, queryset: QuerySet[Flag]) -> None:
        self._move_selected(request, queryset, "undo", {}, "as they were before")

    def _move_selected(
        self, request: HttpRequest, queryset: QuerySet[Flag], move: str, said: dict[str, Any], done: str
    ) -> None:
        """Move each by itself: one that has moved on meanwhile does not hold up the others."""
        moves = [flag_services.Move(flag.pk, move, said, flag.version) for flag in queryset.order_by("pk")]
        answers = flag_services.move_flags(**asking(request), moves=moves)
        moved = sum(answer.flag is not None for answer in answers)
        if moved:
            messages.success(request, f"{moved} {'flag' if moved == 1 else 'flags'} {done}.")
        if moved < len(answers):
            left = len(answers) - moved
            messages.warning(request, f"{left} left as they are: their state does not allow it.")


_MOVES: Mapping[str, Callable[..., Flag]] = {
    "acknowledge": flag_services.acknowledge_flag,
    "snooze": flag_services.snooze_flag,
    "dismiss": flag_services.dismiss_flag,
    "accept": flag_services.accept_flag,
    "reopen": flag_services.reopen_flag,
    "undo": flag_services.undo_flag,
}


@admin.register(FlagAction)
class FlagActionAdmin(ReadOnlyAdmin):
    list_display = ("flag", "action", "from_state", "to_state", "by", "at")
    list_filter = ("action", ("flag", ChosenRelatedFilter))
    list_select_related = ("flag",)
    search_fields = ("by", "flag__item__key")
    ordering = ("-at", "-id")
    # Not who by account: a person may be of several workspaces; their name as it was is what counts here.
    fields = ("flag", "action", "from_state", "to_state", "by", "note", "at")


@admin.register(QuietRun)
class QuietRunAdmin(ReadOnlyAdmin):
    list_display = ("kind_shown", "started_at", "ended_at", "opened", "resolved", "answered_by")
    list_filter = (("kind", WordsFilter),)
    ordering = ("-started_at", "-id")
    fields = ("kind_shown", ("started_at", "ended_at"), "opened", "resolved", ("answered_at", "answered_by"))

    @admin.display(description="why", ordering="kind")
    def kind_shown(self, run: QuietRun) -> str:
        return words(run.kind)

    @admin.display(description="flags opened")
    def opened(self, run: QuietRun) -> str:
        return _by_reason(run, "opened")

    @admin.display(description="flags resolved")
    def resolved(self, run: QuietRun) -> str:
        return _by_reason(run, "resolved")


def _by_reason(run: QuietRun, what: str) -> str:
    told = run.counts.get(what, {})
    return ", ".join(f"{count} {words(reason)}" for reason, count in sorted(told.items())) or "none"


def snooze_action(zone: Any) -> RowAction:
    """Return the snooze button; it suggests four weeks from today by the wall clock."""
    today = timezone.now().astimezone(zone).date()
    until = ActionInput(
        SNOOZE_UNTIL,
        "until",
        "date",
        is_required=True,
        value=(today + _SNOOZE_FOR).isoformat(),
        least=(today + timedelta(days=1)).isoformat(),
    )
    return RowAction(SNOOZE, "Snooze", (until,))


def subject_of(flag: Flag) -> str:
    """Return what a flag is about, in words."""
    if flag.outcome is not None and flag.item is not None:
        return f"{flag.item.title}: {flag.outcome.metric.name}"
    return flag.item.title if flag.item else flag.source.name if flag.source else UNKNOWN


def _given(name: str, data: Mapping[str, str]) -> dict[str, Any]:
    """Return what the button's inputs said, as the service wants it."""
    if name == SNOOZE:
        try:
            return {"until": date.fromisoformat(data.get(SNOOZE_UNTIL, ""))}
        except ValueError as error:
            bad = Complaint(SNOOZE_UNTIL, "invalid", "Say until which day, such as 2026-12-01.")
            raise Refused([bad]) from error
    return {"reason": data.get("reason", "").strip()[:2000]} if name == DISMISS.name else {}
