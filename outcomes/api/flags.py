"""Flags: what wants a person, and what a person can do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from outcomes.api.filters import FlagFilters
from outcomes.api.flag_rows import FlagMovesSerializer, move_of, moved_row
from outcomes.api.moves import IF_MATCH, checked, impossible_is_409, moved, refuse_body
from outcomes.api.serializers import (
    DismissSerializer,
    FlagHistorySerializer,
    FlagSerializer,
    NoteSerializer,
    NothingSerializer,
    SnoozeSerializer,
)
from outcomes.models import Flag, FlagAction
from outcomes.services import flags
from productops.api.bulk import PARAMETERS, BulkAnswerSerializer, answer_rows, row_refused
from productops.api.pages import in_order
from productops.api.preconditions import version_if_said
from productops.api.problems import field_errors
from productops.api.views import ReadOnlyViewSet
from roadmap.api.exports import CSV_RESPONSE, Export

_COLUMNS: dict[str, Callable[[Flag], Any]] = {
    "id": lambda flag: flag.pk,
    "reason": lambda flag: flag.reason,
    "state": lambda flag: flag.state,
    "item": lambda flag: flag.item.key if flag.item else None,
    "item_title": lambda flag: flag.item.title if flag.item else None,
    "metric": lambda flag: flag.outcome.metric.key if flag.outcome else None,
    "source": lambda flag: flag.source.key if flag.source else None,
    "opened_on": lambda flag: flag.opened_on,
    "holding_since": lambda flag: flag.holding_since,
    "resolved_on": lambda flag: flag.resolved_on if flag.state == "resolved" else None,
    "resolved_cause": lambda flag: flag.resolved_cause if flag.state == "resolved" else "",
    "snoozed_until": lambda flag: flag.snoozed_until,
    "dismiss_reason": lambda flag: flag.dismiss_reason,
    "recommendation": lambda flag: flag.recommendation,
}
FLAGS_CSV = Export("flags.csv", _COLUMNS)


class FlagViewSet(ReadOnlyViewSet):
    """Conditions that want a person. The actions answer 409 when the flag's state does not allow them."""

    model = Flag
    serializer_class = FlagSerializer
    filterset_class = FlagFilters
    read_scope, write_scope = "outcomes:read", "outcomes:write"
    orderings = {
        "opened_on": "opened_on",
        "resolved_on": "resolved_on",
        "snoozed_until": "snoozed_until",
        "reason": "reason",
        "state": "state",
        "updated_at": "updated_at",
        "id": "id",
    }
    default_ordering = ("-opened_on",)

    def for_show(self, rows: QuerySet[Flag]) -> QuerySet[Flag]:
        actions = Prefetch("actions", FlagAction.objects.order_by("at", "id"))
        return rows.select_related("item", "source", "outcome__metric").prefetch_related(actions)

    @extend_schema(request=NoteSerializer, parameters=[IF_MATCH], responses=moved(FlagSerializer))
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, **kwargs: Any) -> Response:
        """Say that somebody has seen it."""
        return self._move(request, flags.acknowledge_flag, checked(NoteSerializer, request))

    @extend_schema(request=SnoozeSerializer, parameters=[IF_MATCH], responses=moved(FlagSerializer))
    @action(detail=True, methods=["post"])
    def snooze(self, request: Request, **kwargs: Any) -> Response:
        """Be quiet until a day yet to come."""
        return self._move(request, flags.snooze_flag, checked(SnoozeSerializer, request))

    @extend_schema(request=DismissSerializer, parameters=[IF_MATCH], responses=moved(FlagSerializer))
    @action(detail=True, methods=["post"])
    def dismiss(self, request: Request, **kwargs: Any) -> Response:
        """Close it; it stays closed until the class of its reason changes."""
        return self._move(request, flags.dismiss_flag, checked(DismissSerializer, request))

    @extend_schema(request=NothingSerializer, parameters=[IF_MATCH], responses=moved(FlagSerializer))
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, **kwargs: Any) -> Response:
        """Follow it: the item moves to sunset."""
        refuse_body(request)
        return self._move(request, flags.accept_flag, {})

    @extend_schema(request=NothingSerializer, parameters=[IF_MATCH], responses=moved(FlagSerializer))
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, **kwargs: Any) -> Response:
        """Open it again after it was acknowledged, snoozed, dismissed or accepted."""
        refuse_body(request)
        return self._move(request, flags.reopen_flag, {})

    @extend_schema(request=NothingSerializer, parameters=[IF_MATCH], responses=moved(FlagSerializer))
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, **kwargs: Any) -> Response:
        """Take back the last thing a person did to it; again, the one before."""
        refuse_body(request)
        return self._move(request, flags.undo_flag, {})

    @extend_schema(parameters=PARAMETERS, request=FlagMovesSerializer, responses=BulkAnswerSerializer)
    @action(detail=False, methods=["post"])
    def bulk(self, request: Request) -> Response:
        """Move up to 1,000 flags in one transaction: all of them, or with `partial` those that can be moved.

        A row names a flag and what to do with it. When a row is refused and `partial` was not asked for, nothing
        is done and the problem's `results` answer for every row.
        """
        return answer_rows(request, self._move_many)

    @extend_schema(responses=FlagHistorySerializer)
    @action(detail=True, methods=["get"])
    def history(self, request: Request, **kwargs: Any) -> Response:
        """What was done to it, by whom and when, oldest first; what the clock did is by `productops`."""
        held = self.get_object()
        return Response(FlagHistorySerializer({"results": held.actions.all()}).data)

    @extend_schema(operation_id="flags_csv", tags=["flags"], responses=CSV_RESPONSE, filters=True)
    def csv(self, request: Request, **kwargs: Any) -> StreamingHttpResponse:
        """All flags that the filters name, as CSV; `fields` chooses the columns."""
        rows = in_order(self.filter_queryset(self.get_queryset()), request, self)
        return FLAGS_CSV.answer(request, rows)

    def parameters(self) -> Iterable[str]:
        return Export.parameters(self.filterset_class) if self.action == "csv" else super().parameters()

    def _move_many(self, rows: Sequence[Any]) -> list[dict[str, Any]]:
        results: dict[int, dict[str, Any]] = {}
        moves: list[tuple[int, flags.Move]] = []
        for index, row in enumerate(rows):
            try:
                moves.append((index, move_of(row)))
            except ValidationError as error:
                results[index] = row_refused(index, field_errors(error.detail, path=f"/rows/{index}"))
        answers = flags.move_flags(**self.acting(), moves=[move for _, move in moves])
        for (index, _), answer in zip(moves, answers, strict=True):
            results[index] = moved_row(index, answer)
        return [results[index] for index in range(len(rows))]

    def _move(self, request: Request, service: Callable[..., Flag], said: dict[str, Any]) -> Response:
        held = self.get_object()
        version = version_if_said(request, held)
        with impossible_is_409():
            service(**self.acting(), flag_id=held.pk, version=version, **said)
        return self.answer(held.pk)
