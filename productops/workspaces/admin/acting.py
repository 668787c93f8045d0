"""Buttons on a row's page: each is a form of its own that posts to the row, guarded by its version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from productops.workspaces.complaints import Refused
from productops.workspaces.versions import NotHere, StaleEdit

CHANGED_MEANWHILE = "Somebody else changed it after you had opened the page. Nothing was done; look again."


@dataclass(frozen=True, slots=True)
class ActionInput:
    """What a button asks for beside it: `kind` is the HTML input type."""

    name: str
    label: str
    kind: str = "text"
    is_required: bool = False
    value: str = ""
    least: str = ""
    # To be chosen from, if there are any.
    options: Sequence[str] = ()
    # (value, what it is called) that are offered while anything can be typed.
    suggestions: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class RowAction:
    """A button: the name it posts to, what it says, and what it asks for."""

    name: str
    label: str
    inputs: Sequence[ActionInput] = ()
    help_text: str = ""
    is_grave: bool = False


@dataclass(frozen=True, slots=True)
class ActionForm:
    """A button as a page shows it."""

    action: RowAction
    url: str
    version: int | None
    # The ids of its inputs must differ from those of other rows on the page.
    prefix: str


@dataclass(frozen=True, slots=True)
class Done:
    """What a button did, and the page of what it made."""

    said: str
    url: str


class ActionRefused(Exception):
    """A button could not do its work; the message says why."""


class Acting:
    """Adds buttons to a model's pages. `row_actions` says which a row has now, `act` does one."""

    def row_actions(self, request: HttpRequest, row: Any) -> Sequence[RowAction]:
        return ()

    def act(
        self, request: HttpRequest, row: Any, name: str, version: int | None, data: Mapping[str, str]
    ) -> str | Done:
        """Do what a button says and return a sentence about it. Raises Refused, StaleEdit or ActionRefused."""
        raise Http404

    def has_act_permission(self, request: HttpRequest, row: Any = None) -> bool:
        """Whether a person may press the buttons: those who may edit, unless the pages know better."""
        return bool(self.has_change_permission(request, row))  # type: ignore[attr-defined]

    def action_forms(self, request: HttpRequest, row: Any) -> list[ActionForm]:
        """Return the buttons a person may press on a row."""
        if not self.has_act_permission(request, row):
            return []
        return [self.button_for(row, action) for action in self.row_actions(request, row)]

    def button_for(self, row: Any, action: RowAction) -> ActionForm:
        """Return a button of a row as a page shows it."""
        options = self.opts  # type: ignore[attr-defined]
        return ActionForm(
            action,
            reverse(f"admin:{options.app_label}_{options.model_name}_act", args=[row.pk, action.name]),
            getattr(row, "version", None),
            f"{options.model_name}-{row.pk}-{action.name}",
        )

    def get_urls(self) -> list[Any]:
        options = self.opts  # type: ignore[attr-defined]
        view = self.admin_site.admin_view(require_POST(self.act_view))  # type: ignore[attr-defined]
        own = path(
            "<int:object_id>/act/<slug:name>/", view, name=f"{options.app_label}_{options.model_name}_act"
        )
        return [own, *super().get_urls()]  # type: ignore[misc]

    def act_view(self, request: HttpRequest, object_id: int, name: str) -> HttpResponse:
        row = self.get_object(request, str(object_id))  # type: ignore[attr-defined]
        if not self.has_act_permission(request, row):
            raise PermissionDenied
        version = request.POST.get("version", "")
        url = self._back(request, row)
        try:
            done = self.act(
                request, row, name, int(version) if version.isdigit() else None, request.POST.dict()
            )
        except Refused as refused:
            messages.error(request, " ".join(complaint.detail for complaint in refused.complaints))
        except (StaleEdit, NotHere):
            messages.error(request, CHANGED_MEANWHILE)
        except ActionRefused as refused:
            messages.error(request, str(refused))
        else:
            said, url = (done.said, done.url) if isinstance(done, Done) else (done, url)
            self.log_change(request, row, said)  # type: ignore[attr-defined]
            messages.success(request, said)
        return HttpResponseRedirect(url)

    def _back(self, request: HttpRequest, row: Any) -> str:
        """Return the page that the button was on, if it is one of ours."""
        wanted = request.POST.get("next", "")
        if wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
            return wanted
        options = self.opts  # type: ignore[attr-defined]
        return reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[row.pk])

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> Any:
        if obj is not None:
            context["action_forms"] = self.action_forms(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)  # type: ignore[misc]
