"""People and what they are in a workspace.

Who may do what follows from memberships; Django's groups and permission rows are not used, so they are gone
from the admin.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest

from productops.workspaces.admin.forms import WorkspaceForm
from productops.workspaces.admin.owned import RemovalRefused, WorkspaceAdmin
from productops.workspaces.complaints import Refused
from productops.workspaces.models import Member, User
from productops.workspaces.people import add_member, change_role, remove_member
from productops.workspaces.scope import ADMIN, asking, scope_of, workspace_in_hand

admin.site.unregister(Group)


class MemberForm(WorkspaceForm):
    """A new member is named, not chosen from a list: a list would show people of other workspaces."""

    username = forms.CharField(max_length=150, help_text="Of a person who has an account, or of a new one.")
    password = forms.CharField(
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="For a new person only: they change it after signing in.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            for name in ("username", "password"):
                self.fields.pop(name, None)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if "username" in self.fields and (username := self.cleaned_data.get("username")):
            self._check_person(username, self.cleaned_data.get("password", ""))
        return cleaned

    def _check_person(self, username: str, password: str) -> None:
        person = User.objects.filter(username=username).first()
        if person is not None:
            if password:
                self.add_error(
                    "password", "This person has an account already, with a password of their own."
                )
            if person.memberships.filter(workspace=scope_of(self.request).workspace).exists():
                self.add_error("username", "This person is a member already.")
            return
        if not password:
            self.add_error("username", "Nobody has this name. Give a password to make an account for them.")
            return
        newcomer = User(username=username)
        try:
            newcomer.clean_fields(exclude=["password"])
            validate_password(password, newcomer)
        except ValidationError as error:
            self.add_error("username" if hasattr(error, "error_dict") else "password", error.messages)


@admin.register(Member)
class MemberAdmin(WorkspaceAdmin):
    form = MemberForm
    edit_role = ADMIN
    list_display = ("display_name", "username", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user",)
    search_fields = ("user__username", "user__first_name", "user__last_name")
    ordering = ("user__username", "id")
    delete_note = "They keep their account and lose what they could see and do in this workspace."

    def get_fields(self, request: HttpRequest, obj: Member | None = None) -> Any:
        return ("display_name", "username", "role", "created_at") if obj else ("username", "role", "password")

    def get_readonly_fields(self, request: HttpRequest, obj: Member | None = None) -> Any:
        return ("display_name", "username", "created_at") if obj else ()

    @admin.display(ordering="user__username")
    def username(self, member: Member) -> str:
        return member.user.username

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        username, role, password = values["username"], values["role"], values.get("password")
        with transaction.atomic():
            user = User.objects.filter(username=username).first()
            if user is None:
                user = User.objects.create_user(username=username, password=password, is_staff=True)
            return add_member(workspace=workspace_in_hand(request), user=user, role=role)

    def edit(self, request: HttpRequest, row: Any, version: int | None, changes: dict[str, Any]) -> None:
        change_role(**asking(request), member_id=row.pk, version=version, role=changes["role"])

    def remove(self, request: HttpRequest, row: Any, version: int | None) -> str:
        try:
            remove_member(**asking(request), member_id=row.pk, version=version)
        except Refused as refused:
            raise RemovalRefused(refused.complaints[0].detail) from refused
        return "deleted"


@admin.register(User)
class PersonAdmin(UserAdmin):
    """Accounts. Superusers keep them; a workspace's admins see those of their people."""

    list_display = ("username", "first_name", "last_name", "email", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff")
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        (
            "Access",
            {
                "description": "Staff can sign in here. What a person may do is said by their memberships.",
                "fields": ("is_active", "is_staff", "is_superuser", "last_login", "date_joined"),
            },
        ),
    )
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        scope, people = scope_of(request), super().get_queryset(request)
        if scope.is_everywhere or scope.may_be_everywhere:
            return people
        shared = Q(pk__in=Member.objects.filter(workspace=scope.workspace).values("user_id"))
        if request.user.is_superuser:
            # Somebody has to look after those who belong nowhere.
            shared |= Q(memberships=None)
        return people.filter(shared)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> User:
        person = super().get_object(request, object_id, from_field)
        if person is None:
            raise Http404("There is no such person here.")
        return person

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if request.user.is_superuser:
            return fieldsets
        return ((None, {"fields": ("username",)}), *fieldsets[1:])

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser) or scope_of(request).may_see(ADMIN)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    has_add_permission = has_change_permission

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: a person is made inactive, so that what they did keeps its name."""
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup in ("is_active__exact", "is_staff__exact")
