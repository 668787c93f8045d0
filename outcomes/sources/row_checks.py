"""What types alone cannot say of a row: finite numbers, sane times, clean text, whole identities. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from outcomes.sources.rows import (
    EVIDENCE_KINDS,
    RETRACTABLE,
    CustomerRow,
    EvidenceRow,
    ExperimentRow,
    ObservationRow,
    ReleaseRow,
    RetractRow,
    Row,
    SnapshotRow,
    TotalRow,
    UsageRow,
)
from productops.workspaces.bounds import FIRST_DAY, MOST_NUMBER, is_number_in_bounds
from roadmap.rules import is_customer_key

# Times further ahead than this are a wrong clock or a wrong unit, not news.
MAX_AHEAD = timedelta(hours=24)
# Squares that were added up elsewhere may fall short by rounding.
_ROUNDING = 1e-9


class RowRefused(Exception):
    """One row is not taken; `code` is for programs, the message for people."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def are_clean(rows: Sequence[Row], now: datetime) -> bool:
    """Whether `check` would take every one of these rows of one kind; False when they are to be looked at singly.

    Observations and usage come by the thousand, so they are looked at all together.
    """
    looked_at = _AT_ONCE.get(type(rows[0])) if rows else None
    try:
        if looked_at is None:
            for row in rows:
                check(row, now)
        else:
            looked_at(rows, now)
    except RowRefused:
        return False
    return True


def _check_observations(rows: Sequence[ObservationRow], now: datetime) -> None:
    _check_text("a key", "".join([row.metric + row.series for row in rows]), now)
    # One that is not finite makes a sum that is not; a sum that overflows is looked into row by row.
    values = [row.value for row in rows]
    _check_finite("a value", sum(values), now)
    _check_amount("a value", max(values))
    _check_amount("a value", min(values))
    _check_instants([row.at for row in rows], now)


def _check_usages(rows: Sequence[UsageRow], now: datetime) -> None:
    _check_text("a key", "".join([row.item + row.actor for row in rows]), now)
    _check_text("a key", "".join([row.id or "" for row in rows]), now)
    for customer in {row.customer for row in rows}:
        _check_customer("customer", customer)
    _check_instants([row.at for row in rows], now)


def _check_instants(instants: Sequence[datetime], now: datetime) -> None:
    for extreme in (min(instants), max(instants)):
        check_instant("at", extreme, now)


def check(row: Row, now: datetime) -> None:
    """Raise RowRefused for a row that is not to be taken."""
    for name in row.__struct_fields__:
        value = getattr(row, name)
        check_one = _CHECKS.get(type(value))
        if check_one is not None:
            check_one(name, value, now)
    as_a_whole = _CHECKS_AS_A_WHOLE.get(type(row))
    if as_a_whole is not None:
        as_a_whole(row)


def _check_text(name: str, value: str, now: datetime) -> None:
    if "\x00" in value:
        raise RowRefused("bad_value", f"{name} holds a NUL character.")
    if value.isascii():
        return
    try:
        value.encode()
    except UnicodeEncodeError:
        raise RowRefused("bad_value", f"{name} holds half a surrogate pair.") from None


def _check_customer(name: str, key: str | None) -> None:
    """Who is named for the first time comes into being, under a key that the paths of the API can hold."""
    if key is not None and not is_customer_key(key):
        allowed = "letters, digits and . _ : @ -, not all digits and not the word bulk"
        raise RowRefused("bad_value", f"{name} must be {allowed}.")


def _check_usage(row: UsageRow) -> None:
    _check_customer("customer", row.customer)


def _check_customer_row(row: CustomerRow) -> None:
    _check_customer("key", row.key)


def _check_finite(name: str, value: float, now: datetime) -> None:
    if not math.isfinite(value):
        raise RowRefused("not_finite", f"{name} must be a finite number.")


def _check_amount(name: str, value: float | None) -> None:
    """Numbers that are added up: finite alone does not make their sum so."""
    if value is not None and not is_number_in_bounds(value):
        raise RowRefused("out_of_range", f"{name} must lie between -{MOST_NUMBER:g} and {MOST_NUMBER:g}.")


def _check_observation(row: ObservationRow) -> None:
    _check_amount("value", row.value)


def check_instant(name: str, value: datetime, now: datetime) -> None:
    """Raise RowRefused for an instant before the calendar begins or more than MAX_AHEAD from now."""
    try:
        utc = value.astimezone(UTC)
    except OverflowError:
        raise RowRefused("bad_value", f"{name} lies outside the calendar.") from None
    if utc > now + MAX_AHEAD:
        raise RowRefused("in_the_future", f"{name} lies more than 24 hours ahead.")
    _check_begun(name, utc.date())


def check_day(name: str, value: date, now: datetime) -> None:
    # A day ahead by the clock of the easternmost zone is still within 24 hours.
    if value > (now + MAX_AHEAD).date() + timedelta(days=0 if now.hour < 10 else 1):
        raise RowRefused("in_the_future", f"{name} lies more than 24 hours ahead.")
    _check_begun(name, value)


def _check_begun(name: str, day: date) -> None:
    if day < FIRST_DAY:
        raise RowRefused("bad_value", f"{name} lies outside the calendar, which begins on {FIRST_DAY}.")


def _check_snapshot(row: SnapshotRow) -> None:
    if (row.share is None) == (row.active is None):
        raise RowRefused("required", "a snapshot has either active (and eligible) or share.")
    _check_amount("active", row.active)
    _check_amount("eligible", row.eligible)
    if row.share is not None and row.eligible is not None:
        raise RowRefused("bad_value", "eligible goes with active, not with share.")
    if row.active is not None and row.eligible is not None and row.active > row.eligible:
        raise RowRefused(
            "bad_value", "active counts some of the eligible, so it cannot be more than they are."
        )


def _check_evidence(row: EvidenceRow) -> None:
    _check_customer("customer", row.customer)
    if row.kind not in EVIDENCE_KINDS:
        raise RowRefused("bad_value", f"kind must be one of {', '.join(sorted(EVIDENCE_KINDS))}.")
    _check_url("source_url", row.source_url)


def _check_release(row: ReleaseRow) -> None:
    _check_url("url", row.url)


def _check_totals(row: ExperimentRow) -> None:
    """No values have squares that sum to less than sum² / n (Cauchy and Schwarz); nobody has no values."""
    if abs(row.sum) > MOST_NUMBER or row.sum_squares > MOST_NUMBER * MOST_NUMBER:
        raise RowRefused("out_of_range", f"sum may be at most {MOST_NUMBER:g}, sum_squares its square.")
    if row.n == 0 and (row.sum or row.sum_squares):
        raise RowRefused("bad_value", "with n 0 there is nobody whose values could be summed up.")
    if row.n * row.sum_squares < row.sum * row.sum * (1 - _ROUNDING):
        raise RowRefused("impossible_squares", "sum_squares is less than sum * sum / n, which cannot be.")


def _check_url(name: str, value: str) -> None:
    if value and not value.startswith(("http://", "https://")):
        raise RowRefused("bad_value", f"{name} must begin with http:// or https://.")


def _check_retraction(row: RetractRow) -> None:
    needed = RETRACTABLE.get(row.kind)
    if needed is None:
        raise RowRefused("bad_value", f"kind must be one of {', '.join(RETRACTABLE)}.")
    for name in needed:
        if getattr(row, name) is None:
            raise RowRefused("required", f"to retract {row.kind} say its {name}.")
    if row.kind == "usage" and row.id is None and row.actor is None:
        raise RowRefused("required", "to retract usage say its id, or its actor.")


# A thousand rows are looked at per body: by their very types, as the decoder makes no others.
_CHECKS: dict[type, Callable[[str, Any, datetime], None]] = {
    str: _check_text,
    float: _check_finite,
    datetime: check_instant,
    date: check_day,
}
_AT_ONCE: dict[type[Row], Callable[[Any, datetime], None]] = {
    ObservationRow: _check_observations,
    UsageRow: _check_usages,
}
_CHECKS_AS_A_WHOLE: dict[type[Row], Callable[[Any], None]] = {
    ObservationRow: _check_observation,
    TotalRow: _check_observation,
    UsageRow: _check_usage,
    SnapshotRow: _check_snapshot,
    EvidenceRow: _check_evidence,
    CustomerRow: _check_customer_row,
    ReleaseRow: _check_release,
    ExperimentRow: _check_totals,
    RetractRow: _check_retraction,
}
