"""What the insights tell about one problem."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from outcomes.api.insights import LIMIT, InsightView, answer_of
from outcomes.insights.asking import Question
from outcomes.insights.register import BY_NAME
from productops.workspaces.versions import NotHere
from roadmap.models import Problem

_ASKERS = BY_NAME["asked-but-not-using"]


class AskersOfProblemView(InsightView):
    """Customers who asked for what was released for one problem and do not use it."""

    insight = _ASKERS

    def parameters(self) -> Iterable[str]:
        return ["limit"]

    @extend_schema(
        tags=["problems"],
        operation_id="problems_asked_not_using",
        parameters=[LIMIT],
        responses=answer_of(_ASKERS),
    )
    def get(self, request: Request, id: str = "") -> HttpResponseBase:
        """Customers whose evidence raised it, or a problem beneath it, and who do not use what was released for it."""
        return super().get(request)

    def _question(self, limit: int) -> Question:
        ref, problems = self.kwargs["id"], Problem.objects.in_workspace(self.workspace.pk)
        pk = problems.by_ref(ref).values_list("pk", flat=True).first() if ref.isprintable() else None
        if pk is None:
            raise NotHere
        return replace(super()._question(limit), problem_id=pk)
