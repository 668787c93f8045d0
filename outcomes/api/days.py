"""Which days a series is asked for: `?from=2026-01-01&to=2026-03-31`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from productops.api.problems import BadParameter

# Three years: what a chart can show and one answer can hold.
LONGEST = timedelta(days=3 * 366)
DAYS_PARAMETERS = ("from", "to")


@dataclass(frozen=True, slots=True)
class Days:
    """The days from `first` to `last`, both included."""

    first: date
    last: date


def described(usual_days: int) -> list[OpenApiParameter]:
    """The two parameters for the OpenAPI document."""
    told = f"The first day; {usual_days} days before the last if not said."
    return [
        OpenApiParameter("from", OpenApiTypes.DATE, description=told),
        OpenApiParameter(
            "to", OpenApiTypes.DATE, description="The last day; the day of judgement, if not said."
        ),
    ]


def asked_days(request: Request, today: date, usual_days: int) -> Days:
    """The days that a request asks for; raises BadParameter."""
    last = asked_day(request, "to") or today
    first = asked_day(request, "from") or date.fromordinal(max(last.toordinal() - usual_days, 1))
    if first > last:
        raise BadParameter("from", "The first day lies after the last.")
    if last - first > LONGEST:
        raise BadParameter("from", f"At most {LONGEST.days} days.")
    return Days(first, last)


def asked_day(request: Request, name: str) -> date | None:
    """The day that a parameter names, None when it was left out; raises BadParameter."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadParameter(name, "A day such as 2026-05-01.") from None
