"""What came in about an item and its workspace: facts, sources and what they left behind."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from outcomes.models import (
    Attempt,
    Candidate,
    Endpoint,
    Experiment,
    ExperimentGuardrail,
    ExperimentTotal,
    Exposure,
    ExposureReport,
    ItemSource,
    Mark,
    Metric,
    MetricDay,
    MetricSource,
    Observation,
    ProductAudience,
    Replay,
    Rule,
    RunningTotal,
    Source,
    SourceDay,
    SourceSecret,
    ToldValue,
    UsageDay,
    UsageEvent,
    UsageSnapshot,
    WorkspaceClock,
)
from outcomes.pipeline import partitions
from productops.workspaces.models import Invitation, KeptAnswer, Workspace
from roadmap.models import (
    Customer,
    EvidenceRoute,
    Item,
    Problem,
    ProblemMerge,
    ProblemStanding,
    Product,
    Release,
)
from tests.admin.days import DAY, NOON
from tests.factories import a_metric, a_notice, a_problem, an_experiment


def try_out(item: Item, metric: Metric, source: Source) -> Experiment:
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


def tell(endpoint: Endpoint, item: Item) -> None:
    """A test that went through, and one that did not."""
    ToldValue.objects.create(workspace=item.workspace, endpoint=endpoint, item=item, proven=24.6)
    for state, status, error in (("delivered", 204, ""), ("failed", 500, "status: 500")):
        notice = a_notice(endpoint, state=state)
        Attempt.objects.create(
            workspace=item.workspace, notice=notice, endpoint=endpoint, number=1, started_at=NOON, took_ms=84,
            status=status, error=error, answer="ok" if status == 204 else "Internal Server Error",
        )  # fmt: skip


def receive(workspace: Workspace, problem: Problem, product: Product, source: Source, item: Item) -> None:
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


def state_facts(workspace: Workspace, item: Item, customer: Customer, metric: Metric, source: Source) -> None:
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
