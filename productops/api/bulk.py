"""`POST /{resource}/bulk/`: up to 1,000 rows, made or changed, each answered for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Protocol

from django.db import connection, transaction
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from productops.api.fields import WholeNumber
from productops.api.problems import BadParameter, FieldError, Problem, field_errors
from productops.api.references import References
from productops.api.serializers import FieldErrorSerializer, PlainSerializer, RowSerializer
from productops.api.views import Resource
from productops.workspaces.actors import Actor
from productops.workspaces.batches import (
    CREATED,
    IMPOSSIBLE,
    MOST_ROWS,
    NOT_FOUND,
    NOT_WRITTEN,
    REFUSED,
    ROW_STATUSES,
    STALE,
    TAKEN,
    RowAnswer,
    Wish,
)
from productops.workspaces.complaints import ARCHIVED
from productops.workspaces.models import Versioned, Workspace

_STATUS_OF = {NOT_FOUND: 404, STALE: 412, TAKEN: 409, IMPOSSIBLE: 409, ARCHIVED: 409}


class WritesBatches(Protocol):
    """A room that writes many rows; a kind's Batch."""

    def __init__(self, workspace: Workspace, by: Actor) -> None: ...

    def write(self, wishes: Sequence[Wish]) -> list[RowAnswer]: ...


class BulkRowSerializer(serializers.Serializer):
    """What became of one row."""

    index = serializers.IntegerField(help_text="Its place in the body, from 0.")
    status = serializers.ChoiceField(ROW_STATUSES)
    id = serializers.IntegerField(allow_null=True, help_text="null when refused, or new in a dry run.")
    key = serializers.CharField(allow_null=True, help_text="null for what has no key.")
    version = serializers.IntegerField(allow_null=True)
    errors = FieldErrorSerializer(many=True)  # type: ignore[assignment]  # a serializer's own attribute


class BulkAnswerSerializer(serializers.Serializer):
    """What became of all rows. Every row is in exactly one of the four totals."""

    results = BulkRowSerializer(many=True)
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    refused = serializers.IntegerField()
    is_dry_run = serializers.BooleanField(help_text="Whether nothing was written, whatever the rows say.")


PARAMETERS = [
    OpenApiParameter(
        "partial", OpenApiTypes.BOOL, description="true: take the valid rows although others are refused."
    ),
    OpenApiParameter("dry_run", OpenApiTypes.BOOL, description="true: answer as if, and write nothing."),
]


class BulkMixin(Resource):
    """A resource whose rows can be written many at once. It says which room writes them."""

    batch: ClassVar[type[WritesBatches]]

    @extend_schema(parameters=PARAMETERS, responses=BulkAnswerSerializer)
    @action(detail=False, methods=["post"])
    def bulk(self, request: Request) -> Response:
        """Make or change up to 1,000 objects in one transaction: all of them, or with `partial` the valid ones.

        A row without `version` makes one. A row with `version` changes the one that its `id`, or its `key`,
        names, if it still has that version. When a row is refused and `partial` was not asked for, nothing is
        written and the problem's `results` answer for every row: `refused` with its errors, or `not_written`.
        """
        return answer_rows(request, self._write)

    def described_body(self) -> type[serializers.BaseSerializer] | None:
        serializer_class: Any = self.get_serializer_class()
        return body_of(serializer_class) if self.action == "bulk" else super().described_body()

    def _write(self, rows: Sequence[Any]) -> list[dict[str, Any]]:
        context = {**self.get_serializer_context(), "references": References(self.workspace, rows)}
        serializer_class = self.get_serializer_class()
        makes = serializer_class(context=context)
        changes = serializer_class(context=context, partial=True)
        wishes: list[Wish] = []
        results: dict[int, dict[str, Any]] = {}
        for index, row in enumerate(rows):
            try:
                wishes.append(_wish(index, row, makes, changes))
            except ValidationError as error:
                results[index] = row_refused(index, field_errors(error.detail, path=f"/rows/{index}"))
        # What the rows themselves refuse is known; the others are tried, so that all complaints come at once.
        for answer in self.batch(self.workspace, self.actor).write(wishes):
            results[answer.index] = _result(answer)
        return [results[index] for index in range(len(rows))]


def answer_rows(request: Request, write: Callable[[Sequence[Any]], list[dict[str, Any]]]) -> Response:
    """Have `write` write the rows of the body in one transaction, which stands if the request lets it stand.

    `write` answers for each row in order, with `row_taken` or `row_refused`.
    """
    is_partial, is_dry_run = yes_no(request, "partial"), yes_no(request, "dry_run")
    rows = _rows_of(request.data)
    with transaction.atomic():
        results = write(rows)
        counts = Counter(result["status"] for result in results)
        is_refused = bool(counts[REFUSED]) and not is_partial
        if is_dry_run or is_refused:
            transaction.set_rollback(True)
        else:
            # What the database checks at commit it says now, as an answer and not after one.
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    if is_refused:
        _leave_unwritten(results)
    if is_refused and not is_dry_run:
        raise _problem(results)
    if is_dry_run:
        _forget_new_ids(results)
    counts = Counter(result["status"] for result in results)
    totals = {status: counts[status] for status in ROW_STATUSES}
    return Response({"results": results, **totals, "is_dry_run": is_dry_run})


def yes_no(request: Request, name: str) -> bool:
    """A parameter that is `true` or `false`, and false when it is left out."""
    text = request.query_params.get(name, "false")
    if text not in ("true", "false"):
        raise BadParameter(name, "true or false.")
    return text == "true"


def _rows_of(body: Any) -> list[Any]:
    if not isinstance(body, Mapping):
        raise ValidationError([ErrorDetail('An object such as {"rows": [...]}.', "invalid")])
    for name in body:
        if name != "rows":
            raise ValidationError({str(name)[:100]: [ErrorDetail("There is no such field.", "unknown")]})
    rows = body.get("rows")
    if not isinstance(rows, list) or not rows:
        raise ValidationError({"rows": [ErrorDetail("A list of at least one row.", "required")]})
    if len(rows) > MOST_ROWS:
        raise ValidationError({"rows": [ErrorDetail(f"At most {MOST_ROWS} rows at once.", "too_many_rows")]})
    return rows


def _wish(index: int, row: Any, makes: Any, changes: Any) -> Wish:
    """What a row asks for; raises ValidationError."""
    if not isinstance(row, Mapping):
        raise ValidationError([ErrorDetail("An object.", "invalid")])
    if "version" not in row and "id" not in row:
        return Wish(index, makes.run_validation(row))
    said = dict(row)
    version = said.pop("version", None)
    # Named by its id, the object may be given another key; without one the key is its name.
    ref = said.pop("id", None) if "id" in said else said.pop("key", None)
    complaints: dict[str, list[ErrorDetail]] = {}
    if isinstance(version, bool) or not isinstance(version, int) or not 0 < version < 2**31:
        detail = "The version that the change is based on, so that nobody's edit is overwritten."
        complaints["version"] = [ErrorDetail(detail, "required")]
    if isinstance(ref, bool) or not isinstance(ref, str | int) or ref == "" or not str(ref).isprintable():
        complaints["id" if "id" in row else "key"] = [
            ErrorDetail("Say which one: its id or its key.", "required")
        ]
    try:
        wanted = changes.run_validation(said)
    except ValidationError as error:
        raise ValidationError({**_by_field(error), **complaints}) from None
    if complaints:
        raise ValidationError(complaints)
    return Wish(index, wanted, ref=ref, version=version)


def _by_field(error: ValidationError) -> dict[str, Any]:
    return error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}


def _result(answer: RowAnswer) -> dict[str, Any]:
    if answer.row is None:
        errors = [
            FieldError(
                pointer=f"/rows/{answer.index}/{said.field}".rstrip("/"), code=said.code, detail=said.detail
            )
            for said in answer.complaints
        ]
        return row_refused(answer.index, errors)
    return row_taken(answer.index, answer.status, answer.row)


def row_taken(index: int, status: str, row: Versioned) -> dict[str, Any]:
    """The answer for a row that was made, changed or left as it was."""
    return {
        "index": index,
        "status": status,
        "id": row.pk,
        "key": getattr(row, "key", None),
        "version": row.version,
        "errors": [],
    }


def row_refused(index: int, errors: list[FieldError]) -> dict[str, Any]:
    """The answer for a row of which nothing was done."""
    return {"index": index, "status": REFUSED, "id": None, "key": None, "version": None, "errors": errors}


def _forget_new_ids(results: list[dict[str, Any]]) -> None:
    """An id that was rolled back will be handed to nobody."""
    for result in results:
        if result["status"] == CREATED:
            result["id"] = None


def _leave_unwritten(results: list[dict[str, Any]]) -> None:
    """Where one is refused and the others may not stand alone, none is written."""
    _forget_new_ids(results)
    for result in results:
        if result["status"] != REFUSED:
            result |= {"status": NOT_WRITTEN, "version": None}


def _problem(results: list[dict[str, Any]]) -> Problem:
    """The answer when nothing was written; its status is that of the refused rows where they agree on one."""
    errors = [error for result in results for error in result["errors"]]
    statuses = {_STATUS_OF.get(error["code"], 400) for error in errors}
    status = statuses.pop() if len(statuses) == 1 else 400
    refused = sum(result["status"] == REFUSED for result in results)
    detail = f"Nothing was written: {refused} of {len(results)} rows were refused."
    code = errors[0]["code"] if status != 400 else "invalid"
    return Problem(status, code, detail, errors, members={"results": results})


@cache
def body_of(serializer_class: type[RowSerializer]) -> type[serializers.Serializer]:
    """The body of a resource's bulk endpoint, for the OpenAPI document."""
    noun = serializer_class.__name__.removesuffix("Serializer")

    def get_fields(self: Any) -> dict[str, serializers.Field]:
        fields = serializer_class.get_fields(self)
        for field in fields.values():
            field.required = False
        told = {
            "id": WholeNumber(required=False, min_value=1, help_text="Of the one to change."),
            "version": WholeNumber(
                required=False, min_value=1, help_text="Of the one to change, as it was read."
            ),
        }
        return {**fields, **told}

    row = type(f"{noun}BulkRowSerializer", (serializer_class,), {"get_fields": get_fields})
    rows = row(many=True, allow_empty=False, max_length=MOST_ROWS, help_text=f"1 to {MOST_ROWS} of them.")
    return type(f"{noun}BulkSerializer", (PlainSerializer,), {"rows": rows})
