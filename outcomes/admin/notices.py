"""What was told, to whom, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest
from django.utils.html import format_html

from outcomes.admin.badges import badge
from outcomes.channels.words import told_of
from outcomes.models import Attempt, Notice, Occurrence
from outcomes.models.notices import WAITING
from outcomes.services.endpoints import redeliver
from outcomes.services.refusals import ImpossibleMove
from productops.workspaces.admin.acting import ActionRefused, RowAction
from productops.workspaces.admin.filters import ScopedRelatedFilter
from productops.workspaces.admin.owned import ReadOnlyAdmin
from productops.workspaces.scope import ADMIN, asking, scope_of
from roadmap.admin.numbers import UNKNOWN

REDELIVER = RowAction(
    "redeliver", "Send again", help_text="At once, with the same id, by which the receiver knows a repeat."
)


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    place = 10
    is_record = False
    act_role = ADMIN
    list_display = ("headline", "endpoint", "event", "state_shown", "attempts", "created_at")
    list_filter = ("state", ("endpoint", ScopedRelatedFilter), "occurrence__event")
    list_select_related = ("occurrence", "endpoint")
    ordering = ("-id",)
    fields = (
        "headline",
        ("endpoint", "event", "recipient"),
        ("state_shown", "attempts", "next_attempt"),
        ("occurred_at", "created_at", "finished_at"),
        "payload_shown",
    )

    @admin.display(description="what")
    def headline(self, notice: Notice) -> str:
        return told_of(notice.occurrence.payload).headline

    @admin.display(description="event", ordering="occurrence__event")
    def event(self, notice: Notice) -> str:
        return notice.occurrence.event

    @admin.display(description="state", ordering="state")
    def state_shown(self, notice: Notice) -> str:
        return badge(notice.state)

    @admin.display(description="next attempt")
    def next_attempt(self, notice: Notice) -> str:
        return f"{notice.due_at:%Y-%m-%d %H:%M:%S} UTC" if notice.state == "pending" else UNKNOWN

    @admin.display(description="occurred at")
    def occurred_at(self, notice: Notice) -> str:
        return f"{notice.occurrence.occurred_at:%Y-%m-%d %H:%M} UTC"

    @admin.display(description="as it is sent")
    def payload_shown(self, notice: Notice) -> str:
        told = json.dumps(notice.occurrence.payload, indent=2, ensure_ascii=False)
        return format_html('<pre class="po-source" tabindex="0">{}</pre>', told)

    def row_actions(self, request: HttpRequest, row: Notice) -> Sequence[RowAction]:
        return () if row.state in WAITING else (REDELIVER,)

    def act(
        self, request: HttpRequest, row: Notice, name: str, version: int | None, data: Mapping[str, str]
    ) -> str:
        if name != REDELIVER.name:
            raise Http404
        try:
            redeliver(**asking(request), notice_id=row.pk)
        except ImpossibleMove as impossible:
            raise ActionRefused(str(impossible)) from impossible
        return f"“{row.message_id}” is on its way again."


@admin.register(Occurrence)
class OccurrenceAdmin(ReadOnlyAdmin):
    """What happened that somebody wanted to hear of, told or known in silence."""

    list_display = ("headline", "event", "occurred_at", "is_quiet")
    list_filter = ("event", "is_quiet")
    ordering = ("-occurred_at", "-id")
    fields = ("headline", "event", ("occurred_at", "is_quiet"), "identity")

    @admin.display(description="what")
    def headline(self, occurrence: Occurrence) -> str:
        return told_of(occurrence.payload).headline


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = ("notice", "endpoint", "number", "started_at", "result", "took")
    list_filter = (("endpoint", ScopedRelatedFilter), "started_at")
    list_select_related = ("notice", "endpoint")
    ordering = ("-id",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        answer = ("answer",) if scope_of(request).may_see(ADMIN) else ()
        return ("notice", "endpoint", ("number", "started_at", "took"), "result", *answer)

    @admin.display(description="result")
    def result(self, attempt: Attempt) -> str:
        if attempt.took_ms is None:
            return "no result"
        return attempt.error or str(attempt.status or "sent")

    @admin.display(description="took")
    def took(self, attempt: Attempt) -> str:
        return UNKNOWN if attempt.took_ms is None else f"{attempt.took_ms} ms"
