"""What was done and by whom, and what was answered: written by the machine, looked at by people."""

from __future__ import annotations

import json

from django.contrib import admin

from productops.workspaces.admin.owned import ReadOnlyAdmin
from productops.workspaces.models import Change, KeptAnswer
from productops.workspaces.scope import ADMIN


@admin.register(Change)
class ChangeAdmin(ReadOnlyAdmin):
    list_display = ("at", "type", "object_shown", "action", "by", "via")
    list_filter = ("type", "action", "via")
    search_fields = ("object_key", "by", "request_id")
    ordering = ("-position", "-id")
    fields = ("at", "type", "object_shown", "action", "by", "via", "request_id", "values_shown")

    @admin.display(description="object")
    def object_shown(self, change: Change) -> str:
        return change.object_key or str(change.object_id)

    @admin.display(description="what changed")
    def values_shown(self, change: Change) -> str:
        return json.dumps(change.values, indent=2, ensure_ascii=False)


@admin.register(KeptAnswer)
class KeptAnswerAdmin(ReadOnlyAdmin):
    """Answers that a repeated request is given again. What they say is for the caller alone."""

    see_role = ADMIN
    list_display = ("idempotency_key", "caller", "status", "expires_at")
    search_fields = ("idempotency_key",)
    ordering = ("-expires_at", "-id")
    fields = ("idempotency_key", "caller", "status", "expires_at")
