"""Problems: the ranked list that is the front door, and each with what stands behind its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import F, Model, OrderBy
from django.http import HttpRequest
from django.urls import reverse

from productops.workspaces.admin.acting import ActionInput, Done, RowAction
from productops.workspaces.admin.owned import ReadOnlyAdmin, list_url, page_url, url_of
from productops.workspaces.complaints import Complaint, Refused
from productops.workspaces.dashboard import DashboardSite, Panel, PanelRow
from productops.workspaces.scope import Scope, asking
from roadmap import services
from roadmap.admin.archiving import ArchivingAdmin
from roadmap.admin.columns import numbers
from roadmap.admin.numbers import short
from roadmap.likeness import Like, problems_like
from roadmap.models import Evidence, Link, Problem, ProblemMerge, ProblemStanding
from roadmap.rates import INCONCLUSIVE, NO_HISTORY, PERIOD_DAYS, RELIEVED, TOO_EARLY, WORSE
from roadmap.relief import Relief, relief_of
from roadmap.tree import subtree

_NEWEST = 8
_BRANCHES = 200
_ALIKE = 3
_RELIEF = {
    RELIEVED: "spoken of less",
    WORSE: "spoken of more",
    INCONCLUSIVE: "no clear change",
    TOO_EARLY: "too early to tell",
    NO_HISTORY: "too little was written down before to tell",
}


MERGE = "merge"
UNMERGE = RowAction(
    "unmerge",
    "Take the merge back",
    help_text="This turned out to be another problem and was merged into it.",
)


def _last(name: str) -> OrderBy:
    return F(name).desc(nulls_last=True)


@admin.register(Problem)
class ProblemAdmin(ArchivingAdmin):
    empty_note = (
        "No problem yet. Write down what customers struggle with; evidence and items stand beneath it."
    )
    place = 1
    is_key_made = True
    list_display = ("title", "key", "demand", "revenue_at_stake", "opportunity", "evidence_count", "parent")
    list_select_related = ("standing", "parent")
    search_fields = ("title", "key")
    ordering = (_last("standing__demand"), "id")
    fields = ("key", "title", "description", "parent")
    autocomplete_fields = ("parent",)
    change_form_template = "admin/roadmap/problem/change_form.html"

    @admin.display(ordering=_last("standing__demand"))
    def demand(self, problem: Problem) -> str:
        return short(_number(problem, "demand"))

    @admin.display(description="revenue at stake", ordering=_last("standing__revenue_at_stake"))
    def revenue_at_stake(self, problem: Problem) -> str:
        return short(_number(problem, "revenue_at_stake"), 0)

    @admin.display(ordering=_last("standing__opportunity"))
    def opportunity(self, problem: Problem) -> str:
        standing = standing_of(problem)
        text = short(_number(problem, "opportunity"))
        return f"{text} (low evidence)" if standing and standing.is_low_evidence else text

    @admin.display(description="evidence", ordering=_last("standing__evidence_count"))
    def evidence_count(self, problem: Problem) -> int:
        standing = standing_of(problem)
        return standing.evidence_count if standing else 0

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        problem = self.get_object(request, object_id)
        card = problem_card(problem)
        return super().change_view(request, object_id, form_url, {**card, **(extra_context or {})})

    def row_actions(self, request: HttpRequest, row: Problem) -> Sequence[RowAction]:
        if row.archived_at is None:
            return (_merge(row),)
        is_merged = ProblemMerge.objects.filter(problem=row, undone_at=None).exists()
        return (UNMERGE,) if is_merged else super().row_actions(request, row)

    def act(
        self, request: HttpRequest, row: Any, name: str, version: int | None, data: Mapping[str, str]
    ) -> str | Done:
        if name == MERGE:
            into = problem_named(row.workspace_id, data.get("into", "").strip(), "into")
            services.merge_problem(**asking(request), problem_id=row.pk, version=version, into=into)
            return f"“{row}” is part of “{into}” now."
        if name == UNMERGE.name:
            services.unmerge_problem(**asking(request), problem_id=row.pk, version=version)
            return f"“{row}” is a problem of its own again."
        return super().act(request, row, name, version, data)

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        return services.create_problem(**asking(request), **values)

    def edit(self, request: HttpRequest, row: Any, version: int | None, changes: dict[str, Any]) -> None:
        services.edit_problem(**asking(request), problem_id=row.pk, version=version, changes=changes)

    def remove(self, request: HttpRequest, row: Any, version: int | None) -> str:
        is_gone = services.remove_problem(**asking(request), problem_id=row.pk, version=version)
        return "deleted" if is_gone else "archived"

    def restore(self, request: HttpRequest, row: Any, version: int | None) -> None:
        services.restore_problem(**asking(request), problem_id=row.pk, version=version)


def _merge(problem: Problem) -> RowAction:
    """The button that merges a problem; those said in like words are offered first."""
    likest = [like.problem_id for like in _alike(problem)]
    found = Problem.objects.in_workspace(problem.workspace_id).current().in_bulk(likest)
    offered = [(found[pk].key, found[pk].title) for pk in likest if pk in found]
    into = ActionInput("into", "It is the same as (key)", is_required=True, suggestions=offered)
    return RowAction("merge", "Merge", (into,), "Evidence, surveys and items go there; it can be taken back.")


def _alike(problem: Problem) -> list[Like]:
    return problems_like(problem.workspace_id, problem.title, problem.description, but=problem.pk)[:_ALIKE]


def problem_named(workspace_id: int, key: str, field: str) -> Problem:
    """The problem of the workspace that is named by its key or id in this field of a form. Raises Refused."""
    problems = Problem.objects.in_workspace(workspace_id)
    found = problems.by_ref(key).first() if key.isprintable() and key else None
    if found is None:
        raise Refused([Complaint(field, "does_not_exist", f"There is no problem {key[:100]!r} here.")])
    return found


@admin.register(ProblemStanding)
class ProblemStandingAdmin(ReadOnlyAdmin):
    list_display = (
        "problem",
        *numbers("demand"),
        *numbers("revenue_at_stake", digits=0),
        *numbers("opportunity"),
        "evidence_count",
        "computed_at",
    )
    list_select_related = ("problem",)
    search_fields = ("problem__key", "problem__title")
    ordering = ("-demand", "id")


def standing_of(problem: Problem) -> ProblemStanding | None:
    """Return the problem's numbers; None until they were first computed."""
    return getattr(problem, "standing", None)


def problem_card(problem: Problem) -> dict[str, Any]:
    """Return what the problem's page shows above its form."""
    links = (
        Link.objects.in_workspace(problem.workspace_id)
        .filter(problem=problem, item__archived_at=None)
        .select_related("item")
        .order_by("-weight", "id")
    )
    evidence = (
        Evidence.objects.in_workspace(problem.workspace_id)
        .filter(problem=problem, is_retracted=False)
        .select_related("customer")
        .order_by(F("observed_on").desc(nulls_last=True), "-id")[:_NEWEST]
    )
    tree = subtree(problem)
    branches = [(branch, depth, url_of(branch)) for depth, branch in tree[1 : _BRANCHES + 1]]
    reliefs = relief_of([branch for _, branch in tree], problem.workspace.today())
    likest = [like.problem_id for like in _alike(problem)]
    found = Problem.objects.in_workspace(problem.workspace_id).in_bulk(likest)
    return {
        "standing": standing_of(problem),
        "links": [(link.item, url_of(link.item), link.weight) for link in links],
        "evidence": [(piece, url_of(piece)) for piece in evidence],
        "branches": branches,
        "relief": (reliefs[0].item, url_of(reliefs[0].item), relief_told(reliefs[0])) if reliefs else None,
        "alike": [(found[pk], url_of(found[pk])) for pk in likest if pk in found],
        "evidence_url": list_url(Evidence, f"problem__id__exact={problem.pk}"),
        "add_evidence_url": f"{reverse('admin:roadmap_evidence_add')}?problem={problem.pk}",
    }


def relief_told(relief: Relief) -> str:
    """What a release brought, in one sentence."""
    change = relief.change
    rates = f"{short(change.before)} per {PERIOD_DAYS} days before, {short(change.after)} since"
    if change.ratio is not None:
        rates += f", {short(change.ratio)} times as many ({short(change.low)} to {short(change.high)})"
    return f"{_RELIEF[change.verdict]}: {rates}"


def _number(problem: Problem, name: str) -> float | None:
    standing = standing_of(problem)
    return getattr(standing, name) if standing else None


def problems_by_demand(scope: Scope) -> Panel:
    """The first page's list of problems that most want solving."""
    problems = scope.limit(Problem.objects.current().select_related("standing")).order_by(
        F("standing__demand").desc(nulls_last=True), "id"
    )[:_NEWEST]
    rows = [
        PanelRow(
            label=problem.title,
            url=page_url(Problem, problem.pk),
            detail=f"demand {short(_number(problem, 'demand'))},"
            f" revenue at stake {short(_number(problem, 'revenue_at_stake'), 0)}",
        )
        for problem in problems
    ]
    empty = "No problem has been written down yet. Start with what customers struggle with."
    return Panel("Problems by demand", list_url(Problem), rows, empty)


assert isinstance(admin.site, DashboardSite)
admin.site.add_panel(20, problems_by_demand)
