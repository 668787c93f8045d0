"""Scoring models: a draft, a look at what it would change, and the switch."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from outcomes.api.filters import ScoringModelFilters
from outcomes.api.moves import IF_MATCH, checked, impossible_is_409, moved, refuse_body
from outcomes.api.serializers import NothingSerializer
from outcomes.formulas.realised import GRADES
from outcomes.formulas.scoring_models import default_numbers, merged
from outcomes.models import ScoringModel
from outcomes.services import scoring
from outcomes.services.previews import MOST_SHOWN, MOST_VALUED, POINTS
from productops.api.fields import Number, Text, WholeNumber
from productops.api.preconditions import etag_of, expected_version, version_if_said
from productops.api.serializers import PlainSerializer, RowSerializer
from productops.api.views import ResourceViewSet


class GradesSerializer(PlainSerializer):
    """How much an attainment weighs by the design that showed it, above 0 and at most 1."""

    def get_fields(self) -> dict[str, serializers.Field]:
        return {
            name: Number(required=False, help_text=f"{grade:g}, as published.")
            for name, grade in GRADES.items()
        }


class ModelNumbersSerializer(PlainSerializer):
    """A model's numbers. Those that are left out are taken from the model in force, or stay as they are."""

    outcome = Number(required=False, help_text="0.5, as published; the three weights sum to 1.")
    adoption = Number(required=False, help_text="0.3, as published.")
    retention = Number(required=False, help_text="0.2, as published.")
    target_adoption = Number(
        required=False, help_text="The share that is all one asks for; an item may have its own."
    )
    target_retention = Number(required=False)
    minimum_coverage = Number(required=False, help_text="Below this coverage there is no value.")
    minimum_people = WholeNumber(required=False, help_text="Fewer people than this say nothing.")
    worse_multiplier = Number(
        required=False, help_text="What a decided effect that is worse leaves of the value."
    )
    grades = GradesSerializer(required=False)


class SwitchSerializer(serializers.Serializer):
    """What switching it on changed, in one piece."""

    points = serializers.FloatField(help_text="A change of the proven value beyond this counts as moving.")
    items = serializers.IntegerField(help_text="Released items that were valued.")
    changed = serializers.IntegerField(help_text="Those whose value is another, by however little.")
    moved = serializers.IntegerField(help_text="Those that moved by more than `points`.")
    up = serializers.IntegerField()
    down = serializers.IntegerField()
    from_version = serializers.IntegerField()
    by = serializers.CharField()
    via = serializers.CharField()


class ScoringModelSerializer(RowSerializer):
    """The weights, grades and targets that values are computed with. A used one never changes."""

    version = serializers.IntegerField(read_only=True)
    weights = ModelNumbersSerializer(required=False)
    note = Text(
        required=False, allow_blank=True, max_length=scoring.NOTE_LENGTH, help_text="Why these numbers."
    )
    switched = SwitchSerializer(read_only=True, allow_null=True)

    class Meta:
        model = ScoringModel
        fields = (
            "id",
            "version",
            "weights",
            "note",
            "is_active",
            "is_used",
            "created_at",
            "activated_at",
            "switched",
        )
        read_only_fields = ("is_active", "is_used", "created_at", "activated_at")


class PreviewRequestSerializer(PlainSerializer):
    points = Number(
        required=False,
        min_value=0,
        max_value=100,
        help_text=f"What counts as moving; {POINTS:g} if not said.",
    )
    limit = WholeNumber(
        required=False,
        min_value=0,
        max_value=MOST_SHOWN,
        help_text=f"How many items are listed; {MOST_SHOWN} if not said.",
    )


class ItemNamedSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    key = serializers.CharField()
    title = serializers.CharField()


class SideSerializer(serializers.Serializer):
    realised = serializers.FloatField(allow_null=True)
    proven = serializers.FloatField(allow_null=True)
    coverage = serializers.FloatField()


class ShiftSerializer(serializers.Serializer):
    """One item under the model in force and under this one."""

    item = ItemNamedSerializer()
    before = SideSerializer()
    after = SideSerializer()
    difference = serializers.FloatField(help_text="Of the proven value; an unknown one counts as 0.")


class PreviewSerializer(serializers.Serializer):
    """What would change; the items that move most are listed, the totals are over all that were valued."""

    version = serializers.IntegerField()
    against_version = serializers.IntegerField()
    summary = serializers.CharField(help_text="In one sentence.")
    points = serializers.FloatField()
    released = serializers.IntegerField(help_text="The released items there are.")
    items = serializers.IntegerField(
        help_text=f"Those that were valued under both: all, or of more than {MOST_VALUED:,} an even part."
    )
    changed = serializers.IntegerField()
    moved = serializers.IntegerField(help_text="Those that would move by more than `points`.")
    up = serializers.IntegerField()
    down = serializers.IntegerField()
    results = ShiftSerializer(many=True)


class ScoringModelViewSet(ResourceViewSet):
    """The weights, grades and targets that values are computed with; a value names the version it used.

    A new one is a draft: it can be changed, looked at and removed until it is switched on.
    """

    model = ScoringModel
    serializer_class = ScoringModelSerializer
    filterset_class = ScoringModelFilters
    read_scope, write_scope = "outcomes:read", "admin"
    orderings = {"version": "version"}
    default_ordering = ("-version",)

    def create_object(self, values: dict[str, Any]) -> ScoringModel:
        return scoring.create_model(**self.acting(), **values)

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        held = self.get_object()
        revision = expected_version(request, held.revision)
        is_partial = kwargs.pop("partial", False)
        serializer = self.get_serializer(held, data=request.data, partial=is_partial)
        serializer.is_valid(raise_exception=True)
        changes = dict(serializer.validated_data)
        if not is_partial:
            # A full replacement: what it leaves out is as published.
            weights = merged(default_numbers(), changes.get("weights") or {})
            changes = {"weights": weights, "note": changes.get("note", "")}
        with impossible_is_409():
            scoring.edit_model(**self.acting(), model_id=held.pk, revision=revision, changes=changes)
        return self.answer(held.pk)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        held = self.get_object()
        revision = expected_version(request, held.revision)
        with impossible_is_409():
            scoring.remove_model(**self.acting(), model_id=held.pk, revision=revision)
        return Response(status=204)

    @extend_schema(request=PreviewRequestSerializer, responses=PreviewSerializer)
    @action(detail=True, methods=["post"])
    def preview(self, request: Request, **kwargs: Any) -> Response:
        """Say what would change if this model were switched on. Writes nothing."""
        held, asked = self.get_object(), checked(PreviewRequestSerializer, request)
        found = scoring.preview_model(workspace=self.workspace, model_id=held.pk, **asked)
        active = scoring.active_scoring_model(workspace=self.workspace)
        answer = {
            "version": held.version,
            "against_version": active.version if active else held.version,
            "summary": f"{found.moved} of {found.items} items would move by more than {found.points:g} points."
            + (f" These are an even part of {found.released} released ones." if found.is_part else ""),
            **found.totals(),
            "results": found.results(self.workspace),
        }
        return Response(PreviewSerializer(answer).data)

    @extend_schema(request=NothingSerializer, parameters=[IF_MATCH], responses=moved(ScoringModelSerializer))
    @action(detail=True, methods=["post"])
    def activate(self, request: Request, **kwargs: Any) -> Response:
        """Switch to this model: everything is valued again. Switching back to the former one is the undo."""
        held = self.get_object()
        refuse_body(request)
        revision = version_if_said(request, held, "revision")
        scoring.activate_model(**self.acting(), model_id=held.pk, revision=revision)
        return self.answer(held.pk)

    def parameters(self) -> Any:
        return () if self.action in ("preview", "activate") else super().parameters()

    def tag(self, response: Response, held: Any) -> str:
        etag = etag_of(held.revision, response.data)
        response["ETag"] = etag
        return etag
