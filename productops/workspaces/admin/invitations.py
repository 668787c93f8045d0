"""Asking people in: the link's token shows once, an open invitation can be taken back."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest

from productops.workspaces.admin.owned import WorkspaceAdmin
from productops.workspaces.models import Invitation
from productops.workspaces.people import invite, withdraw_invitation
from productops.workspaces.scope import ADMIN, asking


@admin.register(Invitation)
class InvitationAdmin(WorkspaceAdmin):
    see_role = edit_role = ADMIN
    list_display = ("email", "role", "invited_by", "created_at", "expires_at", "accepted_at")
    list_filter = ("role",)
    search_fields = ("email",)
    ordering = ("-created_at", "-id")
    delete_note = "Its token opens nothing any more. Whoever has accepted it stays a member."

    def get_fields(self, request: HttpRequest, obj: Invitation | None = None) -> Any:
        return self.list_display if obj else ("email", "role")

    def get_readonly_fields(self, request: HttpRequest, obj: Invitation | None = None) -> Any:
        # Asking for something else is another invitation, which replaces this one.
        return self.list_display if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        invitation, token = invite(**asking(request), **values)
        messages.warning(request, f"Send {invitation.email} this token, it is not shown again: {token}")
        return invitation

    def remove(self, request: HttpRequest, row: Any, version: int | None) -> str:
        withdraw_invitation(**asking(request), invitation_id=row.pk, version=version)
        return "withdrawn"
