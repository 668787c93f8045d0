"""The admin site: whose workspace it is, the first page, and no door that leads around the scoping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.views.decorators.http import require_POST

from productops.workspaces.scope import Scope, choose_workspace, scope_of
from productops.workspaces.sign_in import SignInForm


@dataclass(frozen=True, slots=True)
class PanelRow:
    """One line of a panel: what it is about, where it leads, and what is said beside it."""

    label: str
    url: str
    detail: str = ""
    badge: str = ""
    figure: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A short list on the first page. What answers a question stands above the numbers, the rest below them."""

    title: str
    url: str
    rows: Sequence[PanelRow] = field(default_factory=tuple)
    empty: str = "Nothing yet."
    is_leading: bool = False


@dataclass(frozen=True, slots=True)
class Tile:
    """One number on the first page, the sentence behind it, and where it leads. What asks most of a person
    stands between the lists, the rest below them."""

    title: str
    number: str
    sentence: str
    url: str
    is_leading: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do next on a first page that has nothing to show yet: where it leads, and what to paste."""

    title: str
    text: str
    url: str = ""
    link: str = ""
    code: str = ""
    is_done: bool = False


# The order of the apps in the menu.
_ORDER = {"roadmap": 0, "outcomes": 1, "workspaces": 2}

_RECORDS = {"name": "Received and computed", "app_label": "records", "has_module_perms": True}

PanelMaker = Callable[[Scope], Panel]
TileMaker = Callable[[Scope], Sequence[Tile]]
GuideMaker = Callable[[Scope], Sequence[Step]]


class DashboardSite(admin.AdminSite):
    """Django's admin, scoped to the person's workspaces."""

    site_header = "productops"
    site_title = "productops"
    index_title = "Today"
    site_url = None
    login_form = SignInForm
    index_template = "admin/today.html"
    empty_value_display = "–"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self._panels: list[tuple[int, PanelMaker]] = []
        self._tiles: list[TileMaker] = []
        self._guides: list[GuideMaker] = []
        self._pages: list[URLPattern] = []

    def add_panel(self, order: int, make: PanelMaker) -> None:
        """Show a panel on the first page; the lowest order comes first."""
        self._panels.append((order, make))
        self._panels.sort(key=lambda panel: panel[0])

    def add_tiles(self, make: TileMaker) -> None:
        """Show numbers on the first page."""
        self._tiles.append(make)

    def add_guide(self, make: GuideMaker) -> None:
        """Show steps to take on the first page, for as long as there are any."""
        self._guides.append(make)

    def add_page(self, route: str, view: Callable[..., Any], name: str) -> None:
        """Serve a page that belongs to no model; who is signed in is asked first."""
        self._pages.append(path(route, self.admin_view(view), name=name))

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().each_context(request), "scope": scope_of(request)}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        scope = scope_of(request)
        is_somewhere = scope.is_everywhere or scope.workspace is not None
        panels = [make(scope) for _, make in self._panels] if is_somewhere else []
        tiles = [tile for make in self._tiles for tile in make(scope)]
        context: dict[str, Any] = {
            "steps": [step for make in self._guides for step in make(scope)],
            "leading_panels": [panel for panel in panels if panel.is_leading],
            "panels": [panel for panel in panels if not panel.is_leading],
            "leading_tiles": [tile for tile in tiles if tile.is_leading],
            "tiles": [tile for tile in tiles if not tile.is_leading],
        }
        apps = self.get_app_list(request)
        context["worked_apps"] = [app for app in apps if app["app_label"] != _RECORDS["app_label"]]
        context["record_apps"] = [app for app in apps if app["app_label"] == _RECORDS["app_label"]]
        return super().index(request, {**context, **(extra_context or {})})

    def get_log_entries(self, request: HttpRequest) -> QuerySet[LogEntry]:
        """None: a person's recent actions would name objects of their other workspaces."""
        return LogEntry.objects.none()

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """What people work with comes first; what is received and computed has a shelf of its own below."""
        apps = super().get_app_list(request, app_label)
        apps.sort(key=lambda app: _ORDER.get(app["app_label"], len(_ORDER)))
        shelf: list[Any] = []
        for app in apps:
            pages = {id(model): self._registry[model["model"]] for model in app["models"]}
            shelf += [model for model in app["models"] if getattr(pages[id(model)], "is_record", False)]
            kept = [model for model in app["models"] if not getattr(pages[id(model)], "is_record", False)]
            app["models"] = sorted(kept, key=lambda model: getattr(pages[id(model)], "place", 50))
        if app_label is None and shelf:
            models = sorted(shelf, key=lambda model: str(model["name"]))
            apps.append(
                {**_RECORDS, "app_url": reverse("admin:app_list", args=["outcomes"]), "models": models}
            )
        elif shelf:
            apps[0]["models"] += shelf
        return [app for app in apps if app["models"]]

    def get_urls(self) -> list[Any]:
        # "View on site" looks any object up by type and id, whoever's it is.
        kept: list[URLPattern | URLResolver] = [
            url for url in super().get_urls() if getattr(url, "name", None) != "view_on_site"
        ]
        switch = path("switch/", self.admin_view(require_POST(self.switch)), name="switch_workspace")
        return [switch, *self._pages, *kept]

    def switch(self, request: HttpRequest) -> HttpResponse:
        """Take up another of the person's workspaces."""
        if not choose_workspace(request, request.POST.get("workspace", "")):
            messages.error(request, "You are not a member of that workspace.")
        return HttpResponseRedirect(reverse("admin:index", current_app=self.name))
