"""From what a service cannot do, and from what is optional on an action, to the API's own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from outcomes.api.serializers import NothingSerializer
from outcomes.services.refusals import ImpossibleMove
from productops.api.preconditions import version_if_said as version_if_said
from productops.api.problems import MEDIA_TYPE, Problem
from productops.api.serializers import ErrorBodySerializer

# How the OpenAPI document describes a precondition that an action may carry.
IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The ETag of what the action is based on, if it is to be refused on anything newer.",
)


def moved(shown: Any) -> dict[Any, Any]:
    """The answers of an action that may carry If-Match, for the OpenAPI document."""
    return {200: shown, (412, MEDIA_TYPE): ErrorBodySerializer}


@contextmanager
def impossible_is_409() -> Iterator[None]:
    """Answer 409 when what was asked does not go together with the state the thing is in."""
    try:
        yield
    except ImpossibleMove as move:
        raise Problem(409, "impossible_move", str(move)) from move


def checked(serializer_class: Any, request: Request) -> dict[str, Any]:
    """What the body of an action said; raises ValidationError."""
    serializer = serializer_class(data=request.data, context={"request": request})
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def refuse_body(request: Request) -> None:
    """An action that needs no body takes an empty one, and refuses every field."""
    checked(NothingSerializer, request)
