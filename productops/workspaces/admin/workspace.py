"""A workspace's own page: its zone, its pin, its thresholds."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from productops.workspaces.admin.forms import WorkspaceForm
from productops.workspaces.admin.owned import WorkspaceAdmin
from productops.workspaces.models import User, Workspace
from productops.workspaces.people import add_member
from productops.workspaces.scope import ADMIN, actor_of, scope_of
from productops.workspaces.services import create_workspace, edit_workspace


@admin.register(Workspace)
class WorkspacePages(WorkspaceAdmin):
    form = WorkspaceForm
    edit_role = ADMIN
    list_display = ("name", "key", "time_zone", "pinned_on", "is_generated")
    search_fields = ("name", "key")
    ordering = ("name", "id")
    fieldsets = (
        (None, {"fields": ("key", "name", "time_zone", "pinned_on")}),
        (
            "Thresholds",
            {
                "description": "Every item follows these unless it has its own.",
                "fields": (
                    ("window_days", "grace_days"),
                    ("under_used_below", "target_adoption"),
                    ("flag_open_days", "flag_resolve_days"),
                ),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return scope_of(request).limit(Workspace.objects.all(), "pk").order_by(*self.ordering)

    def get_list_display(self, request: HttpRequest) -> Any:
        return self.list_display

    def get_list_filter(self, request: HttpRequest) -> Any:
        return ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # Integrations and scripts name the workspace by its key.
        return ("key",) if obj else ()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def _is_within(self, request: HttpRequest, obj: Any) -> bool:
        scope = scope_of(request)
        return obj is None or scope.is_everywhere or obj.pk == scope.workspace_id

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        assert isinstance(request.user, User)
        with transaction.atomic():
            workspace = create_workspace(by=actor_of(request), **values)
            if request.user.memberships.exists():
                # Somebody who sees only where they belong would not find it again.
                add_member(workspace=workspace, user=request.user, role=ADMIN)
        return workspace

    def edit(self, request: HttpRequest, row: Any, version: int | None, changes: dict[str, Any]) -> None:
        edit_workspace(workspace=row, by=actor_of(request), version=version, changes=changes)
