"""API keys: made, shown once, revoked. Only a workspace's admins see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from productops.workspaces.admin.acting import Done, RowAction
from productops.workspaces.admin.forms import WorkspaceForm
from productops.workspaces.admin.owned import WorkspaceAdmin
from productops.workspaces.keys import is_in_force, issue_key, revoke_key
from productops.workspaces.models import ApiKey
from productops.workspaces.models.keys import SCOPES
from productops.workspaces.scope import ADMIN, actor_of, scope_of, workspace_in_hand

REVOKE = RowAction(
    "revoke",
    "Revoke",
    help_text="Whoever uses this key is shut out at once. This cannot be undone.",
    is_grave=True,
)


class ApiKeyForm(WorkspaceForm):
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in SCOPES], widget=forms.CheckboxSelectMultiple
    )


@admin.register(ApiKey)
class ApiKeyAdmin(WorkspaceAdmin):
    form = ApiKeyForm
    see_role = edit_role = ADMIN
    list_display = (
        "name",
        "public_id",
        "scopes_shown",
        "is_open",
        "last_used_at",
        "expires_at",
        "revoked_at",
    )
    search_fields = ("name", "public_id")
    ordering = ("-created_at", "-id")
    fields = ("name", "scopes", "expires_at")
    actions = ("revoke_selected",)

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        if obj is None:
            return self.fields
        return ("name", "public_id", "scopes_shown", "created_at", "created_by", *self._dates)

    _dates = ("expires_at", "last_used_at", "revoked_at")

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        # What a key may do is settled when it is handed out: another one is made instead of changing it.
        return self.get_fields(request, obj) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_act_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return self.has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="scopes")
    def scopes_shown(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @admin.display(description="in force", boolean=True)
    def is_open(self, key: ApiKey) -> bool:
        return is_in_force(key)

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        key, plain_text = issue_key(workspace_in_hand(request), **values, by=actor_of(request))
        messages.warning(request, f"Copy the key now, it is not shown again: {plain_text}")
        return key

    def row_actions(self, request: HttpRequest, row: ApiKey) -> Sequence[RowAction]:
        return () if row.revoked_at else (REVOKE,)

    def act(
        self, request: HttpRequest, row: ApiKey, name: str, version: int | None, data: Mapping[str, str]
    ) -> str | Done:
        if name != REVOKE.name:
            return super().act(request, row, name, version, data)
        revoke_key(workspace=workspace_in_hand(request), key_id=row.pk, by_key=None)
        return f"The key “{row}” is revoked."

    @admin.action(description="Revoke selected keys", permissions=["act"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        keys = list(queryset)
        for key in keys:
            revoke_key(workspace=workspace_in_hand(request), key_id=key.pk, by_key=None)
        messages.success(request, f"{len(keys)} keys revoked in {scope_of(request).workspace}.")
