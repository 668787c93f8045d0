from __future__ import annotations

from outcomes.models.deliveries import Delivery
from outcomes.models.effects import Effect
from outcomes.models.endpoints import Endpoint, EndpointSecret, ToldValue
from outcomes.models.experiments import Experiment, ExperimentGuardrail, ExperimentTotal
from outcomes.models.flags import Flag, FlagAction
from outcomes.models.imports import FileImport
from outcomes.models.marks import Mark, WorkspaceClock
from outcomes.models.metrics import Metric, MetricDay, MetricSource, Observation
from outcomes.models.notices import Attempt, Notice, Occurrence
from outcomes.models.outcomes import Outcome
from outcomes.models.quiet import QuietRun
from outcomes.models.reconciliations import Reconciliation
from outcomes.models.replays import Replay
from outcomes.models.rules import Candidate, ExposureReport, Rule, RunningTotal
from outcomes.models.sources import Source, SourceDay, SourceSecret
from outcomes.models.usage import Exposure, ItemSource, ProductAudience, UsageDay, UsageEvent, UsageSnapshot
from outcomes.models.values import ItemUsage, ItemValue, ScoringModel, ValueRecord, VerdictSpan

__all__ = [
    "Attempt",
    "Candidate",
    "Delivery",
    "Effect",
    "Endpoint",
    "EndpointSecret",
    "Experiment",
    "ExperimentGuardrail",
    "ExperimentTotal",
    "Exposure",
    "ExposureReport",
    "FileImport",
    "Flag",
    "FlagAction",
    "ItemSource",
    "ItemUsage",
    "ItemValue",
    "Mark",
    "Metric",
    "MetricDay",
    "MetricSource",
    "Notice",
    "Observation",
    "Occurrence",
    "Outcome",
    "ProductAudience",
    "QuietRun",
    "Reconciliation",
    "Replay",
    "Rule",
    "RunningTotal",
    "ScoringModel",
    "Source",
    "SourceDay",
    "SourceSecret",
    "ToldValue",
    "UsageDay",
    "UsageEvent",
    "UsageSnapshot",
    "ValueRecord",
    "VerdictSpan",
    "WorkspaceClock",
]
