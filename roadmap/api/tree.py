"""What is asked of a problem among the others: its tree, those like it, and what it turned out to be."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from productops.api.fields import KeyOrId
from productops.api.preconditions import version_if_said
from productops.api.problems import BadParameter
from productops.api.serializers import PlainSerializer
from productops.api.views import CreatedMixin
from roadmap.api.serializers import ProblemItemSerializer, ProblemSerializer, StandingSerializer
from roadmap.likeness import Like, problems_like
from roadmap.models import Problem, ProblemStanding
from roadmap.services import merging
from roadmap.tree import subtree

_LONGEST_TEXT = 5000


class LikeProblemSerializer(serializers.Serializer):
    """A problem that is said in like words."""

    id = serializers.IntegerField()
    key = serializers.CharField()
    title = serializers.CharField()
    likeness = serializers.FloatField(help_text="The share of words in common, 0 to 1.")
    standing = StandingSerializer()


class LikeProblemsSerializer(serializers.Serializer):
    results = LikeProblemSerializer(many=True)


class CreatedProblemSerializer(ProblemSerializer):
    """A new problem, and those that are said in like words: perhaps it was there already."""

    similar = LikeProblemSerializer(many=True, read_only=True)

    class Meta:
        model = Problem
        read_only_fields = ProblemSerializer.Meta.read_only_fields
        fields = (*ProblemSerializer.Meta.fields, "similar")


class BranchSerializer(serializers.Serializer):
    """A problem in its tree; its numbers are over its own evidence and that of the problems beneath it."""

    id = serializers.IntegerField()
    key = serializers.CharField()
    title = serializers.CharField()
    parent = serializers.CharField(  # type: ignore[assignment]  # a field's own attribute has this name
        allow_null=True, help_text="The key of the problem right above it."
    )
    depth = serializers.IntegerField(help_text="0 for the problem that was asked for.")
    standing = StandingSerializer()
    items = ProblemItemSerializer(many=True)


class TreeSerializer(serializers.Serializer):
    """A problem and all beneath it, each before those beneath it, siblings by demand."""

    results = BranchSerializer(many=True)


class MergeSerializer(PlainSerializer):
    into = KeyOrId(Problem, help_text="The problem that it turned out to be: its key or id.")


_TEXT = OpenApiParameter(
    "text",
    OpenApiTypes.STR,
    description="What a new problem, or a piece of evidence, says: its title, then the rest.",
)


class ProblemTreeMixin(CreatedMixin):
    """The tree of problems, and problems that turn out to be one."""

    @extend_schema(responses={201: CreatedProblemSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A new problem. The answer names those that are said in like words, likest first, for merging."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        made: Any = self.create_object(dict(serializer.validated_data))
        response = self.answer(made.pk, status=201)
        found = problems_like(self.workspace.pk, made.title, made.description, but=made.pk)
        response.data = {**response.data, "similar": like_problems(found)}
        return response

    def parameters(self) -> Any:
        return ("text",) if self.action == "suggested" else super().parameters()

    @extend_schema(responses=TreeSerializer)
    @action(detail=True, methods=["get"])
    def tree(self, request: Request, **kwargs: Any) -> Response:
        """The problem with all beneath it and the items for each; at most 5,000 problems."""
        branches = [
            {
                "id": problem.pk,
                "key": problem.key,
                "title": problem.title,
                "parent": problem.parent.key if problem.parent and depth else None,
                "depth": depth,
                "standing": StandingSerializer(_standing(problem)).data,
                "items": ProblemItemSerializer(problem.links.all(), many=True).data,
            }
            for depth, problem in subtree(self.get_object())
        ]
        return Response({"results": branches})

    @extend_schema(responses=LikeProblemsSerializer)
    @action(detail=True, methods=["get"])
    def similar(self, request: Request, **kwargs: Any) -> Response:
        """Other problems that are said in like words, likest first: perhaps the same one."""
        held = self.get_object()
        found = problems_like(held.workspace_id, held.title, held.description, but=held.pk)
        return Response({"results": like_problems(found)})

    @extend_schema(operation_id="problems_suggested", parameters=[_TEXT], responses=LikeProblemsSerializer)
    @action(detail=False, methods=["get"], url_path="similar", filter_backends=[], pagination_class=None)
    def suggested(self, request: Request, **kwargs: Any) -> Response:
        """Problems like a text that is not one yet: before another is made, or for evidence without a home."""
        text = request.query_params.get("text", "").strip()
        if len(text) > _LONGEST_TEXT or "\x00" in text:
            raise BadParameter("text", f"At most {_LONGEST_TEXT} characters, none of them NUL.")
        title, _, rest = text.partition("\n")
        return Response({"results": like_problems(problems_like(self.workspace.pk, title, rest))})

    @extend_schema(request=MergeSerializer)
    @action(detail=True, methods=["post"])
    def merge(self, request: Request, **kwargs: Any) -> Response:
        """Make it part of another problem: evidence, surveys, links and children go there; it is archived.

        Answers with the other problem. Its demand is recomputed in a moment; `unmerge` takes it back.
        """
        held = self.get_object()
        body = MergeSerializer(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        merge = merging.merge_problem(
            **self.acting(),
            problem_id=held.pk,
            into=body.validated_data["into"],
            version=version_if_said(request, held),
        )
        return self.answer(merge.into_id)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def unmerge(self, request: Request, **kwargs: Any) -> Response:
        """Take a merge back: what moved and is still there returns. 409 when it was not merged."""
        held = self.get_object()
        merging.unmerge_problem(**self.acting(), problem_id=held.pk, version=version_if_said(request, held))
        return self.answer(held.pk)


def like_problems(found: list[Like]) -> list[dict[str, Any]]:
    """Likenesses as they are shown, in one query."""
    rows = Problem.objects.filter(pk__in=[like.problem_id for like in found]).for_list()
    problems = {problem.pk: problem for problem in rows}
    return [
        {
            "id": like.problem_id,
            "key": problems[like.problem_id].key,
            "title": problems[like.problem_id].title,
            "likeness": round(like.likeness, 4),
            "standing": StandingSerializer(_standing(problems[like.problem_id])).data,
        }
        for like in found
        if like.problem_id in problems
    ]


def _standing(problem: Problem) -> ProblemStanding:
    return getattr(problem, "standing", None) or ProblemStanding()
