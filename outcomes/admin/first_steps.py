"""What the first page of a workspace says until something has come in and something stands on the roadmap."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse

from outcomes.admin.pasting import paste_for
from outcomes.models import Candidate, Delivery, Source
from productops.workspaces.admin.owned import list_url, page_url
from productops.workspaces.dashboard import DashboardSite, Step
from productops.workspaces.models import Member
from productops.workspaces.scope import ADMIN, Scope
from roadmap.models import Item, Problem


def first_steps(scope: Scope) -> list[Step]:
    """What to do next, in order; nothing once use and a roadmap are there, or where no one workspace is in hand."""
    if scope.workspace is None:
        return []
    is_heard = scope.limit(Delivery.objects.all()).exists()
    has_items = scope.limit(Item.objects.all()).exists()
    if is_heard and has_items:
        return []
    return [_send(scope, is_heard), _claim(scope, has_items), _problems(scope), _people(scope)]


def _send(scope: Scope, is_heard: bool) -> Step:
    title = "Send what you already measure"
    source = scope.limit(Source.objects.all()).order_by("id").first()
    if source is None:
        url = reverse("admin:outcomes_source_add")
        return Step(title, "Add a source. It gets an address and, shown once, a secret.", url, "Add a source")
    if not scope.may_see(ADMIN):
        text = f"An admin of this workspace can open the source “{source.name}” and see what to paste."
        return Step(title, text, is_done=is_heard)
    text = (
        f"The source “{source.name}” listens. Paste this with the secret that was shown when it was made. No item"
        " has to be there yet: what nobody claimed is kept."
    )
    url = page_url(Source, source.pk)
    return Step(
        title, text, url, "Open the source", code="" if is_heard else paste_for(source), is_done=is_heard
    )


def _claim(scope: Scope, has_items: bool) -> Step:
    waiting = scope.limit(Candidate.objects.filter(state="open")).count()
    text = (
        "A name that came in and belongs to nothing is a candidate. One button makes it an item or a metric."
    )
    link = f"{waiting} waiting" if waiting else "Candidates"
    return Step("Say what the names mean", text, list_url(Candidate), link, is_done=has_items)


def _problems(scope: Scope) -> Step:
    text = "What customers struggle with, then the items for it. Files of both can be imported, too."
    is_done = scope.limit(Problem.objects.all()).exists()
    return Step(
        "Write down a problem", text, reverse("admin:roadmap_problem_add"), "Add a problem", is_done=is_done
    )


def _people(scope: Scope) -> Step:
    text = "A viewer reads, an editor edits the roadmap, an admin sets up sources, keys and people."
    is_done = scope.limit(Member.objects.all()).count() > 1
    return Step("Add the others", text, list_url(Member), "Members", is_done=is_done)


assert isinstance(admin.site, DashboardSite)
admin.site.add_guide(first_steps)
