"""A workspace with one believable row of every model, so that every page of the admin has something to show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from outcomes.formulas.scoring_models import default_numbers
from outcomes.models import (
    Attempt,
    Candidate,
    Delivery,
    Effect,
    Endpoint,
    Experiment,
    ExperimentGuardrail,
    ExperimentTotal,
    Exposure,
    ExposureReport,
    FileImport,
    Flag,
    FlagAction,
    ItemSource,
    ItemUsage,
    ItemValue,
    Mark,
    Metric,
    MetricDay,
    MetricSource,
    Observation,
    Outcome,
    ProductAudience,
    QuietRun,
    Reconciliation,
    Replay,
    Rule,
    RunningTotal,
    ScoringModel,
    Source,
    SourceDay,
    SourceSecret,
    ToldValue,
    UsageDay,
    UsageEvent,
    UsageSnapshot,
    ValueRecord,
    VerdictSpan,
    WorkspaceClock,
)
from outcomes.pipeline import partitions
from productops.workspaces.models import ApiKey, Invitation, KeptAnswer, Workspace
from roadmap.models import (
    Customer,
    Evidence,
    EvidenceRoute,
    Item,
    Link,
    Problem,
    ProblemMerge,
    ProblemStanding,
    Product,
    Release,
    Survey,
)
from tests.factories import (
    a_customer,
    a_delivery,
    a_flag,
    a_key,
    a_link,
    a_metric,
    a_notice,
    a_problem,
    a_product,
    a_source,
    a_survey,
    an_endpoint,
    an_experiment,
    an_item,
    evidence,
)

DAY = date(2026, 5, 1)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Furniture:
    workspace: Workspace
    product: Product
    customer: Customer
    problem: Problem
    evidence: Evidence
    survey: Survey
    item: Item
    link: Link
    metric: Metric
    source: Source
    delivery: Delivery
    outcome: Outcome
    flag: Flag
    key: ApiKey
    experiment: Experiment


def furnish(workspace: Workspace, word: str = "Saved carts") -> Furniture:
    """Put one row of every model into a workspace; `word` is in the names of all of them."""
    product = a_product(workspace, name=f"{word} product", eligible_count=9800)
    customer = a_customer(workspace, name=f"{word} customer", segment="smb", mrr=420)
    problem = a_problem(workspace, title=f"{word} problem")
    item = an_item(
        workspace,
        title=f"{word} item",
        status="released",
        released_on=date(2026, 3, 2),
        product=product,
        reach=1000,
        impact=2,
        confidence=0.8,
        effort=2,
    )
    metric = a_metric(workspace, name=f"{word} metric")
    source = a_source(workspace, name=f"{word} source")
    outcome = Outcome.objects.create(
        workspace=workspace, item=item, metric=metric, baseline=2.1, target=2.6, due_on=date(2026, 6, 30)
    )
    proof = evidence(problem, customer=customer, quote=f"{word} quote", observed_on=DAY)
    survey = a_survey(problem)
    link = a_link(item, problem)
    delivery = a_delivery(
        source,
        external_id=f"{word} delivery",
        state="partial",
        taken=3,
        refused=1,
        outcome={"refused": [{"row": "/usage/3", "code": "unknown_item", "detail": "There is no item x."}]},
    )
    FileImport.objects.create(
        workspace=workspace,
        kind="items",
        name=f"{word} items.csv",
        state="done",
        created=3,
        refused=1,
        complaints=[{"line": 4, "column": "effort", "code": "invalid", "detail": "Must be a number."}],
        body_bytes=420,
        finished_at=NOON,
    )
    _told(
        an_endpoint(workspace, name=f"{word} endpoint", host=f"{word.split()[0].lower()}.example.com"), item
    )
    key, _ = a_key(workspace, name=f"{word} key")
    flag = _judged(workspace, item, outcome)
    experiment = _tried(item, metric, source)
    _known(workspace, problem, product, source, item)
    _facts(workspace, item, customer, metric, source)
    return Furniture(
        workspace,
        product,
        customer,
        problem,
        proof,
        survey,
        item,
        link,
        metric,
        source,
        delivery,
        outcome,
        flag,
        key,
        experiment,
    )


def explanation(outcome: Outcome | None = None) -> dict[str, Any]:
    """What the worker writes beside a value."""
    return {
        "as_of": "2026-05-01",
        "expected": {
            "value": 500.0,
            "reach": 1000.0,
            "reach_from": "person",
            "impact": 2.0,
            "confidence": 0.5,
            "declared_confidence": 0.8,
            "confidence_cap": 0.5,
            "effort": 2.0,
            "missing": [],
            "frozen_on": "2026-03-02",
        },
        "outcome": {"term": 0.6, "weight": 0.2},
        "outcomes": [_reading(outcome)] if outcome else [],
        "adoption": {
            "term": 0.42,
            "weight": 0.3,
            "active": 1240,
            "eligible": 9800,
            "eligible_from": "snapshot",
            "share": 0.1265,
            "low": 0.1201,
            "high": 0.1332,
            "target": 0.3,
            "window_days": 28,
            "newest_on": "2026-05-01",
            "age_days": 0,
        },
        "retention": {"term": None, "weight": 0.2, "previous": None, "still": None, "target": 0.5},
        "credit": {"demand": 7.0, "revenue_at_stake": 420.0, "opportunity": 12.4},
        "coverage": 0.5,
        "multiplier": 1.0,
        "model_version": 1,
    }


def _reading(outcome: Outcome) -> dict[str, Any]:
    return {
        "id": outcome.pk,
        "metric": outcome.metric.key,
        "series": None,
        "role": "primary",
        "weight": 1.0,
        "baseline": 2.1,
        "baseline_from": "typed",
        "target": 2.6,
        "current": 2.4,
        "newest_on": "2026-05-01",
        "attainment": 0.6,
        "reason": None,
        "pace": 1.2,
        "grade": "observed",
        "due_on": "2026-06-30",
        "missing": [],
    }


def _judged(workspace: Workspace, item: Item, outcome: Outcome) -> Flag:
    numbers = {
        "expected": 500.0,
        "realised": 49.2,
        "proven": 24.6,
        "coverage": 0.5,
        "outcome_term": 0.6,
        "adoption": 0.42,
        "missing": ["retention"],
        "explanation": explanation(outcome),
        "model_version": 1,
        "judged_on": DAY,
    }
    ItemValue.objects.create(
        workspace=workspace, item=item, demand=7, revenue_at_stake=420, trend=3.1, as_of=NOON, **numbers
    )
    for number, cause in enumerate(({"kind": "delivery"}, {"kind": "edit", "by": "Ada", "via": "admin"})):
        ValueRecord.objects.create(
            workspace=workspace, item=item, cause=cause, as_of=NOON - timedelta(days=number), **numbers
        )
    ItemUsage.objects.create(
        workspace=workspace,
        item=item,
        verdict="under_used",
        last_known="under_used",
        active=1240,
        eligible=9800,
        eligible_from="snapshot",
        share=0.1265,
        low=0.1201,
        high=0.1332,
        window_days=28,
        judged_on=DAY,
        evidence={"kind": "counts", "expected_periods": 28, "covered_periods": 27, "under_used_below": 0.2},
    )
    VerdictSpan.objects.create(
        workspace=workspace, item=item, from_on=date(2026, 3, 30), verdict="under_used"
    )
    ScoringModel.objects.create(workspace=workspace, version=1, weights=default_numbers(), is_active=True)
    Reconciliation.objects.create(workspace=workspace, stage="done", finished_at=NOON)
    _estimated(workspace, outcome)
    flag = a_flag(item, recommendation="improve_adoption", evidence={"active": 1240, "share": 0.1265})
    FlagAction.objects.create(workspace=workspace, flag=flag, action="open", to_state="open", by="productops")
    QuietRun.objects.create(
        workspace=workspace,
        kind="first_run",
        started_at=NOON,
        through_at=NOON,
        ended_at=NOON,
        counts={"opened": {"under_used": 1}, "resolved": {}},
    )
    return flag


def _estimated(workspace: Workspace, outcome: Outcome) -> None:
    Effect.objects.create(
        workspace=workspace,
        outcome=outcome,
        design="before_after",
        estimate=0.4,
        low=0.1,
        high=0.7,
        relative=0.19,
        relative_low=0.05,
        relative_high=0.33,
        verdict="better",
        decided_on=date(2026, 3, 30),
        n_before=182,
        n_after=28,
        from_on=date(2025, 9, 1),
        to_on=date(2026, 3, 29),
        method="step, trend and season",
        method_version=1,
        caveats=[{"code": "overlap", "item": "guest-checkout", "on": "2026-03-05"}],
        chart=_chart(),
        cause={"kind": "clock"},
        as_of=NOON,
    )


def _tried(item: Item, metric: Metric, source: Source) -> Experiment:
    """An experiment on the item, two weeks of it."""
    workspace = item.workspace
    experiment = an_experiment(
        item, hypothesis=item.title, metric=metric, state="running", started_on=date(2026, 4, 17)
    )
    guardrail = a_metric(workspace, name=f"{metric.name} guardrail")
    ExperimentGuardrail.objects.create(workspace=workspace, experiment=experiment, metric=guardrail)
    for day in (1, 7, 14):
        at = datetime(2026, 4, 17, tzinfo=UTC) + timedelta(days=day)
        for variant, share in (("control", 0.021), ("treatment", 0.025)):
            n = 1_000 * day
            ExperimentTotal.objects.create(
                workspace=workspace, experiment=experiment, source=source, variant=variant, metric=metric,
                at=at, on=at.date() - timedelta(days=1), n=n, sum=share * n, sum_squares=share * n,
                stated_at=NOON, stated_by="msg_1", stated_row=0,
            )  # fmt: skip
    return experiment


def _told(endpoint: Endpoint, item: Item) -> None:
    """A test that went through, and one that did not."""
    ToldValue.objects.create(workspace=item.workspace, endpoint=endpoint, item=item, proven=24.6)
    for state, status, error in (("delivered", 204, ""), ("failed", 500, "status: 500")):
        notice = a_notice(endpoint, state=state)
        Attempt.objects.create(
            workspace=item.workspace, notice=notice, endpoint=endpoint, number=1, started_at=NOON, took_ms=84,
            status=status, error=error, answer="ok" if status == 204 else "Internal Server Error",
        )  # fmt: skip


def _chart() -> dict[str, Any]:
    """Half a year that repeats each week, and four weeks that are 0.4 above."""
    first, count = date(2025, 9, 1), 210
    line = [2.0 + 0.1 * (day % 7) for day in range(count)]
    return {
        "on": [(first + timedelta(days=day)).isoformat() for day in range(count)],
        "observed": [value + 0.05 * (day % 3) + 0.4 * (day >= 182) for day, value in enumerate(line)],
        "counterfactual": line,
        "low": [value - 0.2 for value in line],
        "high": [value + 0.2 for value in line],
    }


def _known(workspace: Workspace, problem: Problem, product: Product, source: Source, item: Item) -> None:
    ProblemStanding.objects.create(
        workspace=workspace,
        problem=problem,
        demand=7,
        revenue_at_stake=420,
        opportunity=12.4,
        evidence_count=1,
        customer_count=1,
        segments=[
            {"segment": "smb", "on": "2026-05-01", "respondents": 40, "importance": 8.0, "satisfaction": 3.6}
            | {"score": 12.4, "is_low_evidence": False}
        ],
    )
    double = a_problem(workspace, title=f"{problem.title} twice", archived_at=NOON)
    ProblemMerge.objects.create(workspace=workspace, problem=double, into=problem, by="Ada")
    EvidenceRoute.objects.create(workspace=workspace, problem=double, into=problem)
    Release.objects.create(workspace=workspace, item=item, at=NOON, on=DAY, stated_at=NOON, stated_by="msg_1")
    SourceSecret.objects.create(workspace=workspace, source=source, secret="whsec_never_shown")
    SourceDay.objects.create(workspace=workspace, source=source, on=DAY, has_usage=True)
    ItemSource.objects.create(workspace=workspace, item=item, source=source, first_on=DAY, last_on=DAY)
    ProductAudience.objects.create(
        workspace=workspace, product=product, window_days=28, on=DAY, active=900, item_count=3
    )
    Exposure.objects.create(workspace=workspace, item=item, on_date=DAY, on_count=5)
    ExposureReport.objects.create(
        workspace=workspace, source=source, item=item, on_date=DAY, report="msg_1", on_count=5, off_count=0
    )
    Rule.objects.create(workspace=workspace, source=source, match="name == 'Saved'", to="usage", item=item)
    Candidate.objects.create(
        workspace=workspace,
        source=source,
        kind="event",
        name="Unclaimed",
        first_seen_at=NOON,
        last_seen_at=NOON,
    )
    Invitation.objects.create(
        workspace=workspace, email="zoe@example.com", token_hash=f"{workspace.pk:064}", expires_at=NOON
    )
    KeptAnswer.objects.create(
        workspace=workspace,
        caller="key:1",
        idempotency_key="once",
        request_sha256=b"0" * 32,
        status=201,
        body=b"{}",
        expires_at=NOON,
    )
    Mark.objects.create(workspace=workspace, kind="item", subject_id=item.pk, marked_at=NOON)
    WorkspaceClock.objects.create(workspace=workspace, judged_on=DAY)


def _facts(workspace: Workspace, item: Item, customer: Customer, metric: Metric, source: Source) -> None:
    for table in (
        "outcomes_observation",
        "outcomes_usageevent",
        "outcomes_usagesnapshot",
        "outcomes_usageday",
    ):
        partitions.make(table, partitions.missing(table, [DAY]))
    said = {
        "workspace": workspace,
        "source": source,
        "stated_at": NOON,
        "stated_by": "msg_1",
        "stated_row": 0,
    }
    MetricSource.objects.create(workspace=workspace, metric=metric, source=source)
    Replay.objects.create(workspace=workspace, source=source, asked_by="Paula", last_id=1, total=1)
    RunningTotal.objects.create(
        workspace=workspace, source=source, metric=metric, counter="c", started_at=NOON, at=NOON, value=3
    )
    Observation.objects.create(metric=metric, at=NOON, on=DAY, value=2.4, **said)
    UsageEvent.objects.create(
        item=item, on=DAY, event_id="evt_1", at=NOON, actor=b"0" * 16, customer=customer, **said
    )
    UsageSnapshot.objects.create(item=item, on=DAY, active=120, eligible=4000, **said)
    UsageDay.objects.create(
        workspace=workspace, item=item, on=DAY, actor=b"0" * 16, customer=customer, count=1
    )
    MetricDay.objects.create(
        workspace=workspace,
        metric=metric,
        on=DAY,
        count=1,
        total=2.4,
        low=2.4,
        high=2.4,
        last=2.4,
        last_at=NOON,
    )
