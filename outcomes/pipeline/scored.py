"""What scoring found of one item, as it is to be written: plain rows, made once and encoded once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec

from outcomes.pipeline.judge import Judged
from outcomes.pipeline.levels import Standing


class ValueRow(msgspec.Struct):
    """An item's value; the names are the columns of ItemValue."""

    item_id: int
    expected: float | None
    realised: float | None
    proven: float | None
    coverage: float
    outcome_term: float | None
    adoption: float | None
    retention: float | None
    missing: list[str]
    explanation: dict[str, Any]
    model_version: int
    judged_on: date
    demand: float
    revenue_at_stake: float
    opportunity: float | None
    trend: float | None
    as_of: datetime
    cause: dict[str, Any] = {}


class UsageRow(msgspec.Struct):
    """The verdict on an item's use; the names are the columns of ItemUsage."""

    item_id: int
    verdict: str
    last_known: str | None
    reason: str | None
    active: float | None
    eligible: float | None
    eligible_from: str | None
    share: float | None
    low: float | None
    high: float | None
    window_days: int
    judged_on: date
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scored:
    """What is to be written of one item, and what it rests on."""

    value: ValueRow
    usage: UsageRow
    standings: list[Standing]
    judged: Judged
