"""A story told to the API, and what it answers: the examples of answers in the OpenAPI document."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from outcomes.models import Candidate, Flag, Source
from outcomes.pipeline.settle import settle_all
from productops.api.examples import EXAMPLES
from productops.workspaces.models import Workspace
from roadmap.models import Item
from tests.callers import Caller, SignedIn
from tests.factories import a_flag, a_member, a_person, a_workspace, an_effect

# What stands in the place of what is shown once, and of what no two runs have alike.
_MASKED = {
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "token": "9cTkLr2vXbq1Zs0mYw4uHd7eNf3aJg5iKo8pRx6tBc",
    "csrf_token": "dJx2mQ8vK1sT7yB4nR6wL0zF3hC9pA5gU8eV2kX1oMqWtYbNsZrHjDfGcLvPiEaS",
    "public_id": "4f1c2d9a7b3e5061",
    "external_id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
    "message_id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
}
_KEY = "po_4f1c2d9a7b3e5061_0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f6071"
_ADDRESS, _SHOWN_AT = re.compile("http://(testserver|127[.]0[.]0[.]1:8000)"), "https://productops.example.com"
_TOKEN = re.compile("(/in/).+")


@dataclass(frozen=True)
class Step:
    """A request of the story; `path` is the operation's, its parameters filled in from `refs`."""

    method: str
    path: str
    refs: tuple[Any, ...] = ()
    body: Any = None
    query: str = ""
    person: bool = False

    @property
    def address(self) -> str:
        parts = self.path.split("/")
        refs = iter(self.refs)
        filled = [str(next(refs)) if part.startswith("{") else part for part in parts]
        return f"/api/v1/{'/'.join(filled)}{self.query}"


def told() -> dict[str, Any]:
    """Every answer of the story, by `METHOD path status`, as it is shown in the document."""
    workspace = a_workspace(key="acme", name="Acme")
    caller = Caller(workspace)
    person = a_person(username="ada", first_name="Ada", last_name="Lovelace", email="ada@example.com")
    a_member(workspace, "admin", person)
    answers: dict[str, Any] = {}
    for resource, body in EXAMPLES.items():
        _ask(caller, Step("post", f"{resource}/", body=body), answers)
    item = Item.objects.in_workspace(workspace.pk).get(key="saved-carts")
    Item.objects.filter(pk=item.pk).update(status="released", released_on=date(2026, 3, 2))
    settle_all()
    _furnish(workspace, item)
    browser = SignedIn(person)
    for step in _steps(workspace, item.key):
        _ask(browser if step.person else caller, step, answers)
    return answers


def _furnish(workspace: Workspace, item: Item) -> None:
    """What a worker finds in weeks of facts only."""
    outcome = item.outcomes.get(series=None)
    an_effect(outcome)
    a_flag(item, outcome=outcome, reason="regression", opened_on=date(2026, 4, 28))
    Candidate.objects.create(
        workspace=workspace,
        source=Source.objects.in_workspace(workspace.pk).get(key="warehouse"),
        kind="metric",
        name="checkout.abandoned",
        count=12,
        first_seen_at=datetime(2026, 4, 20, tzinfo=UTC),
        last_seen_at=datetime(2026, 5, 1, tzinfo=UTC),
    )


def _steps(workspace: Workspace, key: str) -> list[Step]:
    item = Item.objects.in_workspace(workspace.pk).get(key=key)
    outcome, link = item.outcomes.get(series=None), item.links.get()
    flag = Flag.objects.get(item=item)
    one = "?page_size=1"
    rows = {
        "rows": [{"title": "Guest checkout"}, {"key": item.key, "version": item.version, "horizon": "now"}]
    }
    return [
        Step("get", "workspace/"),
        Step("get", "workspaces/", person=True),
        Step("get", "session/", person=True),
        Step("get", "members/", query=one),
        Step("post", "invitations/", body={"email": "grace@example.com", "role": "editor"}),
        Step("post", "api-keys/", body={"name": "Warehouse", "scopes": ["ingest"]}),
        *(
            Step("get", f"{resource}/", query=one)
            for resource in ("products", "customers", "problems", "evidence", "surveys", "items", "links", "metrics",
                             "outcomes", "effects", "flags", "sources", "deliveries", "candidates", "endpoints",
                             "scoring-models", "changes", "api-keys")
        ),
        *(
            Step("get", f"{resource}/{{id}}/", (key,))
            for resource, key in (("products", "shop"), ("customers", "acme"), ("problems", "lost-baskets"),
                                  ("items", item.key), ("links", link.pk), ("metrics", "checkout.conversion"),
                                  ("outcomes", outcome.pk), ("flags", flag.pk), ("sources", "warehouse"),
                                  ("effects", outcome.effects.get().pk))
        ),
        Step("get", "items/{id}/value/", (item.key,)),
        Step("get", "items/{item}/value/history/", (item.key,), query=one),
        Step("get", "items/{id}/usage/", (item.key,), query="?from=2026-04-30&to=2026-05-01"),
        Step("get", "metrics/{id}/series/", ("checkout.conversion",)),
        Step("post", "items/bulk/", body=rows, query="?dry_run=true"),
        Step("post", "flags/{id}/acknowledge/", (flag.pk,), {"note": "Looking into it."}),
        Step("get", "flags/{id}/history/", (flag.pk,)),
    ]  # fmt: skip


def _ask(caller: Caller, step: Step, answers: dict[str, Any]) -> None:
    answer = caller.get(step.address) if step.method == "get" else caller.post(step.address, step.body)
    assert answer.status_code in (200, 201), (step, answer.content)
    body = _masked(answer.json())
    answers[f"{step.method.upper()} /api/v1/{step.path} {answer.status_code}"] = body


def _masked(value: Any) -> Any:
    if isinstance(value, list):
        return [_masked(one) for one in value]
    if isinstance(value, str):
        return _ADDRESS.sub(_SHOWN_AT, _TOKEN.sub(r"\1q3Zr8vT1xKc5Lw0sHn7dPb", value))
    if not isinstance(value, dict):
        return value
    shown = {name: _masked(held) for name, held in value.items()}
    shown |= {name: words for name, words in _MASKED.items() if shown.get(name)}
    if str(shown.get("key", "")).startswith("po_"):
        shown["key"] = _KEY
    return shown


def shape(value: Any) -> Any:
    """The names in an answer, whatever stands there."""
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return {name: shape(held) for name, held in value.items()} if isinstance(value, dict) else None


def as_text(answers: dict[str, Any]) -> str:
    return json.dumps(answers, indent=1, ensure_ascii=False) + "\n"
