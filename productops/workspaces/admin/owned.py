"""The admin of a row that belongs to a workspace: nothing of another workspace shows or can be linked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets, quote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db import IntegrityError, transaction
from django.db.models import BinaryField, ForeignKey, Model, QuerySet, URLField
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst

from productops.workspaces.admin.acting import Acting
from productops.workspaces.admin.forms import (
    FormRefusal,
    WorkspaceForm,
    complaint_of,
    remember_refusal,
    told_to,
)
from productops.workspaces.scope import EDITOR, VIEWER, scope_of
from productops.workspaces.versions import NotHere, StaleEdit

# What a list may be asked about a field that it can be filtered by; anything deeper could probe secrets.
_LOOKUPS = ("", "__exact", "__id__exact", "__isnull", "__in", "__gte", "__gt", "__lte", "__lt")


class Scoped:
    """What lists, pages and inlines share: who may, and which rows can be chosen."""

    # The least role that sees rows, and the least that edits them (None: nobody does, here).
    see_role: str | None = VIEWER
    edit_role: str | None = EDITOR

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return scope_of(request).may_see(self.see_role) and self._is_within(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return scope_of(request).may_edit(self.edit_role) and self._is_within(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return scope_of(request).may_edit(self.edit_role) and self._is_within(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return scope_of(request).may_edit(self.edit_role)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return scope_of(request).may_see(self.see_role)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return scope_of(request).limit(super().get_queryset(request))  # type: ignore[misc]

    def formfield_for_foreignkey(
        self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField | None:
        if "queryset" not in kwargs:
            related = db_field.remote_field.model
            rows = self.get_field_queryset(kwargs.get("using"), db_field, request)  # type: ignore[attr-defined]
            rows = related._default_manager.all() if rows is None else rows
            # Only rows of the workspace in hand are a valid choice, whatever the page was made to send.
            kwargs["queryset"] = rows.filter(workspace_id=scope_of(request).workspace_id)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, URLField):
            kwargs["assume_scheme"] = "https"
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            # One button beside a choice is help, four are noise.
            field.widget.can_change_related = False
            field.widget.can_delete_related = False
            field.widget.can_view_related = False
        return field

    def _is_within(self, request: HttpRequest, obj: Any) -> bool:
        return obj is None or scope_of(request).holds(obj)


class WorkspaceAdmin(Acting, Scoped, admin.ModelAdmin):
    """The pages of one model. Edits go to the services through `create`, `edit` and `remove`."""

    form = WorkspaceForm
    list_per_page = 50
    actions_on_bottom = False
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    delete_note = "This cannot be undone."
    # What a list without rows says: what would stand there, and how it gets there.
    empty_note = ""
    # Where its list stands in the menu, and whether it stands among what is received and computed.
    place = 50
    is_record = False
    # Whether `create` makes a key when none is given.
    is_key_made = False

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        raise NotImplementedError(f"{type(self).__name__} says that rows can be added but not how")

    def edit(self, request: HttpRequest, row: Any, version: int | None, changes: dict[str, Any]) -> None:
        raise NotImplementedError(f"{type(self).__name__} says that rows can be edited but not how")

    def remove(self, request: HttpRequest, row: Any, version: int | None) -> str:
        """Remove a row; returns what was done with it, as a word: deleted, archived."""
        raise NotImplementedError(f"{type(self).__name__} says that rows can be removed but not how")

    # --- What is seen ---------------------------------------------------------------------------------

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        if row is None:
            # The same answer for a row of another workspace and for one that never was.
            raise Http404(f"There is no such {self.opts.verbose_name} here.")
        return row

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """A list is headed by what it lists."""
        return super().changelist_view(
            request,
            {"title": capfirst(str(self.opts.verbose_name_plural)), "empty_note": self.empty_note}
            | (extra_context or {}),
        )

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = super().get_list_display(request)
        return [*columns, "workspace"] if scope_of(request).is_everywhere else columns

    def get_list_filter(self, request: HttpRequest) -> Any:
        filters = super().get_list_filter(request)
        return [*filters, "workspace"] if scope_of(request).is_everywhere else filters

    def get_list_select_related(self, request: HttpRequest) -> Any:
        related = super().get_list_select_related(request)
        if isinstance(related, bool) or not scope_of(request).is_everywhere:
            return related
        return [*related, "workspace"]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        if request is None:
            return False
        names = {self.date_hierarchy} if self.date_hierarchy else set()
        for entry in self.get_list_filter(request):
            if isinstance(entry, str):
                names.add(entry)
            elif isinstance(entry, (tuple, list)):
                names.add(entry[0])
            else:
                names.add(entry.parameter_name)
        dates = ("__year", "__month", "__day") if self.date_hierarchy else ()
        return any(lookup == f"{name}{suffix}" for name in names for suffix in (*_LOOKUPS, *dates))

    # --- Edits ----------------------------------------------------------------------------------------

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """What the address fills in. A related row is named by its id; anything else fills in nothing."""
        said: dict[str, Any] = dict(super().get_changeform_initial_data(request))
        relations = {field.name for field in self.opts.fields if isinstance(field, ForeignKey)}
        return {name: value for name, value in said.items() if name not in relations or _is_id(str(value))}

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.request, form.is_key_made = request, self.is_key_made  # type: ignore[attr-defined]
        return form

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        if object_id is not None:
            # A page is headed by what it is about; Django's own words would be "Change item".
            extra_context = {"title": capfirst(str(self.opts.verbose_name)), **(extra_context or {})}
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except FormRefusal as refusal:
            remember_refusal(request, refusal)
        except IntegrityError as error:
            # A constraint that is checked when the transaction ends, after the services are through.
            remember_refusal(request, FormRefusal(None, [complaint_of(self.model, error)]))
        # Everything was rolled back. The same forms once more: they now answer with what was refused.
        return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        with told_to(form):
            if not change:
                become(obj, self.create(request, form.values))
            elif changes := form.changed_values:
                self.edit(request, obj, form.cleaned_data["seen_version"], changes)
                obj.refresh_from_db()

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Take every row of an inline to the service of its own model."""
        rows = self.admin_site.get_model_admin(formset.model)
        assert isinstance(rows, WorkspaceAdmin)
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []
        # What is taken away first makes room for what is added: the weights of an item sum to 1 at most.
        for row_form in sorted(formset.forms, key=lambda each: each not in formset.deleted_forms):
            self._save_inline(request, rows, formset, row_form)

    def _save_inline(self, request: HttpRequest, rows: WorkspaceAdmin, formset: Any, form: Any) -> None:
        is_new = form.instance.pk is None
        with told_to(form):
            if form in formset.deleted_forms:
                if not is_new:
                    rows.remove(request, form.instance, form.cleaned_data["seen_version"])
                    formset.deleted_objects.append(form.instance)
            elif is_new and form.has_changed():
                values = {name: value for name, value in form.values.items() if name not in ("id", "DELETE")}
                become(form.instance, rows.create(request, {**values, formset.fk.name: formset.instance}))
                formset.new_objects.append(form.instance)
            elif not is_new and (changes := form.changed_values):
                rows.edit(request, form.instance, form.cleaned_data["seen_version"], changes)
                formset.changed_objects.append((form.instance, form.changes()))

    # --- Removal --------------------------------------------------------------------------------------

    def get_deleted_objects(
        self, objs: QuerySet[Any] | Sequence[Any], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """Return what the confirmation lists: the rows themselves; the service knows what hangs on them."""
        rows = list(objs)
        refused = {
            str(self.opts.verbose_name) for row in rows if not self.has_delete_permission(request, row)
        }
        links = [link_to(row, str(row)) for row in rows]
        return links, {capfirst(str(self.opts.verbose_name_plural)): len(rows)}, refused, []

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        context = {"delete_note": self.delete_note, **(extra_context or {})}
        try:
            return super().delete_view(request, object_id, context)
        except (RemovalRefused, StaleEdit, NotHere) as refused:
            messages.error(request, str(refused) or "Somebody else changed or removed it in the meantime.")
            return self.response_post_save_change(request, self.get_object(request, object_id))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        done = self.remove(request, obj, getattr(obj, "version", None))
        if done != "deleted":
            messages.info(request, f"“{obj}” has a history, so it was {done} instead of deleted.")

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with transaction.atomic():
            for row in queryset:
                self.delete_model(request, row)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any
    ) -> HttpResponse | None:
        try:
            return super().response_action(request, queryset, *args)
        except (RemovalRefused, StaleEdit, NotHere) as refused:
            messages.error(request, str(refused) or "Somebody else changed or removed one of them meanwhile.")
            return None


class RemovalRefused(Exception):
    """A row cannot be removed as things stand; the message says why."""


class ReadOnlyAdmin(WorkspaceAdmin):
    """Rows that are computed or received: they are looked at, not edited."""

    edit_role = None
    is_record = True
    # The least role that may press the buttons of such a row, if it has any.
    act_role: str | None = None

    def has_act_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return scope_of(request).may_edit(self.act_role) and self._is_within(request, row)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Everything but the plumbing, unless the class names its fields."""
        return self.fields or [
            field.name
            for field in self.opts.concrete_fields
            if field.name not in ("id", "workspace") and not isinstance(field, BinaryField)
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return flatten_fieldsets(self.get_fieldsets(request, obj))


class WorkspaceInline(Scoped, admin.TabularInline):
    """Rows of another model on a page; their own admin knows how they are written."""

    form = WorkspaceForm
    extra = 0

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        formset.form.request = request  # type: ignore[attr-defined]
        return formset

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = list(self.fields or ())
        # On a page that is only looked at they would show as two columns of nothing.
        return (
            [*fields, "seen_version", "seen_workspace"]
            if self.has_change_permission(request, obj)
            else fields
        )


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def become(placeholder: Model, row: Model) -> None:
    """Make the instance that a form holds the row that a service created."""
    placeholder.__dict__.update(row.__dict__)


def link_to(row: Any, text: str) -> str:
    """Return a link to a row's page; `text` is escaped."""
    return format_html('<a href="{}">{}</a>', url_of(row), text)


def url_of(row: Any) -> str:
    """Return the address of a row's page."""
    return page_url(type(row), row.pk)


def page_url(model: type[Model], pk: Any) -> str:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
    return reverse(name, args=[quote(pk)])


def list_url(model: type[Model], query: str = "") -> str:
    """Return the address of a model's list, with a query string such as `state=open`."""
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{url}?{query}" if query else url
