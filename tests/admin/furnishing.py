"""A workspace with one believable row of every model, so that every page of the admin has something to show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from outcomes.models import Delivery, Experiment, FileImport, Flag, Metric, Outcome, Source
from productops.workspaces.models import ApiKey, Workspace
from roadmap.models import Customer, Evidence, Item, Link, Problem, Product, Survey
from tests.admin.days import DAY, NOON
from tests.admin.furnishing_judged import judge
from tests.admin.furnishing_received import receive, state_facts, tell, try_out
from tests.factories import (
    a_customer,
    a_delivery,
    a_key,
    a_link,
    a_metric,
    a_problem,
    a_product,
    a_source,
    a_survey,
    an_endpoint,
    an_item,
    evidence,
)

__all__ = ["DAY", "NOON", "Furniture", "furnish"]


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
    tell(an_endpoint(workspace, name=f"{word} endpoint", host=f"{word.split()[0].lower()}.example.com"), item)
    key, _ = a_key(workspace, name=f"{word} key")
    flag = judge(workspace, item, outcome)
    experiment = try_out(item, metric, source)
    receive(workspace, problem, product, source, item)
    state_facts(workspace, item, customer, metric, source)
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
