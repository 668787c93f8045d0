"""Actions, the verbs of a resource: a body of their own or none, and a precondition if the caller wants one."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from productops.api.preconditions import version_if_said
from productops.api.problems import MEDIA_TYPE
from productops.api.serializers import ErrorBodySerializer, PlainSerializer
from productops.api.views import Resource

# How the OpenAPI document describes a precondition that an action may carry.
IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The ETag of what the action is based on, if it is to be refused on anything newer.",
)


class NothingSerializer(PlainSerializer):
    """An action that needs no body."""


def moved(shown: Any) -> dict[Any, Any]:
    """The answers of an action that may carry If-Match, for the OpenAPI document."""
    return {200: shown, (412, MEDIA_TYPE): ErrorBodySerializer}


def checked(serializer_class: Any, request: Request) -> dict[str, Any]:
    """What the body of an action said; raises ValidationError."""
    serializer = serializer_class(data=request.data, context={"request": request})
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def refuse_body(request: Request) -> None:
    """An action that needs no body takes an empty one, and refuses every field."""
    checked(NothingSerializer, request)


class RestoredMixin(Resource):
    """A resource whose rows are archived once they have a history, and can be brought back."""

    @extend_schema(request=NothingSerializer, parameters=[IF_MATCH])
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, **kwargs: Any) -> Response:
        """Bring an archived one back into the lists; one that was not archived stays as it is."""
        held = self.get_object()
        refuse_body(request)
        self.restore_object(held, version_if_said(request, held))
        return self.answer(held.pk)

    def restore_object(self, held: Any, version: int | None) -> None:
        """Call the service that brings it back."""
        raise NotImplementedError
