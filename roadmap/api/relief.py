"""Whether a problem is spoken of less since something was released for it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from productops.api.views import Resource
from roadmap.rates import PERIOD_DAYS, RELIEF_VERDICTS
from roadmap.relief import Relief, relief_of
from roadmap.tree import subtree


class ReliefSerializer(serializers.Serializer):
    """The evidence for a problem, and those beneath it, before and after one release."""

    item = serializers.CharField(help_text="The key of the item that was released.")
    released_on = serializers.DateField(help_text="The first day of those after.")
    before_from = serializers.DateField()
    after_until = serializers.DateField()
    before = serializers.IntegerField(help_text="Pieces of evidence observed before.")
    after = serializers.IntegerField()
    before_rate = serializers.FloatField(allow_null=True, help_text=f"Per {PERIOD_DAYS} days.")
    after_rate = serializers.FloatField(allow_null=True)
    ratio = serializers.FloatField(allow_null=True, help_text="The rate after / the rate before.")
    low = serializers.FloatField(allow_null=True, help_text="Of its exact 95% interval.")
    high = serializers.FloatField(allow_null=True, help_text="null when it has no end.")
    verdict = serializers.ChoiceField(RELIEF_VERDICTS)
    also_released = serializers.ListField(
        child=serializers.CharField(), help_text="Other items for the same problem, released in these spans."
    )


class ReliefsSerializer(serializers.Serializer):
    results = ReliefSerializer(many=True, help_text="The newest release first.")


class ReliefMixin(Resource):
    """What releases brought a problem."""

    @extend_schema(responses=ReliefsSerializer)
    @action(detail=True, methods=["get"])
    def relief(self, request: Request, **kwargs: Any) -> Response:
        """How often it is spoken of before and after each release for it, half a year on either side."""
        found = relief_of([row for _, row in subtree(self.get_object())], self.workspace.today())
        return Response({"results": [_shown(one) for one in found]})


def _shown(one: Relief) -> dict[str, Any]:
    shown = {
        "item": one.item.key,
        "released_on": one.released_on,
        "before_from": one.before_from,
        "after_until": one.after_until,
        "before": one.before,
        "after": one.after,
        "before_rate": one.change.before,
        "after_rate": one.change.after,
        "ratio": one.change.ratio,
        "low": one.change.low,
        "high": one.change.high,
        "verdict": one.change.verdict,
        "also_released": [other.key for other in one.also_released],
    }
    return dict(ReliefSerializer(shown).data)
