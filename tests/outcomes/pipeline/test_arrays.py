"""Columns sent as text arrive in PostgreSQL as what they were."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outcomes.pipeline.arrays import array
from outcomes.pipeline.prepared import execute_prepared

pytestmark = pytest.mark.django_db

_TEXT = st.text(st.characters(blacklist_characters="\x00", blacklist_categories=("Cs",)))
_ZONES = st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-9, minutes=-30))])
_INSTANTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=_ZONES)
_KINDS = {
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "double precision": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "text": _TEXT,
    "bytea": st.binary(),
    "timestamptz": _INSTANTS,
    "date": st.dates(),
}


def _back(kind: str, values: list[Any]) -> list[Any]:
    # As JSON of its own, because a driver's reading of years like 1 or 9999 depends on the session's zone.
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
    rows = execute_prepared(
        f"SELECT value FROM unnest(%(values)s::{kind}[]) WITH ORDINALITY AS given (value, n) ORDER BY n",
        {"values": array(kind, values)},
    )
    return [value for (value,) in rows]


@pytest.mark.parametrize("kind", _KINDS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_was_sent_comes_back(kind: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.none() | _KINDS[kind], max_size=20))
    assert _back(kind, values) == values


@pytest.mark.parametrize(
    "text", ["NULL", "null", "", " ", "{}", "a,b", '"', "\\", '\\"', "\\N", "tab\tnew\nline", "€𝄞"]
)
def test_text_that_means_something_in_an_array_stays_text(text: str) -> None:
    assert _back("text", [text, None, text]) == [text, None, text]


def test_no_value_at_all_is_an_empty_array() -> None:
    assert _back("date", []) == []
    assert _back("date", [date(2024, 2, 29)]) == [date(2024, 2, 29)]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_is_refused_and_never_sent_as_none(number: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        array("double precision", [1.0, number])
