"""The table behind the matrix: for each resource who may read and write it, and how to make one.

A new resource is one line in ROWS. Its routes and actions, its body's references and its filters are found by
themselves, in the URL map, the serializers and the filters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from outcomes.formulas.scoring_models import default_numbers
from outcomes.models import (
    Candidate,
    FileImport,
    QuietRun,
    Reconciliation,
    Replay,
    Rule,
    ScoringModel,
    Source,
)
from productops.workspaces.models import Change, Invitation, Workspace
from tests.factories import (
    a_customer,
    a_delivery,
    a_flag,
    a_key,
    a_link,
    a_member,
    a_metric,
    a_notice,
    a_problem,
    a_product,
    a_source,
    a_survey,
    a_workspace,
    an_effect,
    an_endpoint,
    an_experiment,
    an_item,
    an_outcome,
    evidence,
)

Make = Callable[[Workspace], Any]
HOW = (
    "A route without a row: add one line to ROWS in tests/tenants/rows.py, under the first part of its path: "
    '"things": Row(READ, WRITE, a_thing), where READ and WRITE are the scopes it needs and a_thing(workspace) '
    "makes one (left out when it has no ids). What its body needs beyond types is `body=`, the body of an action "
    "`bodies={'snooze': {...}}`, the scope of an action that differs `scopes={'preview': READ}`."
)


@dataclass(frozen=True)
class Row:
    """A resource: the scopes it needs, how to make one, and what its bodies need beyond their types."""

    reads: str
    writes: str
    make: Make | None = None
    # A value that can be called is called with the workspace.
    body: Mapping[str, Any] = field(default_factory=dict)
    # By the last named part of a path beneath the resource: its body, and its scope where that differs.
    bodies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    scopes: Mapping[str, str] = field(default_factory=dict)
    # A resource that is made from a file instead of JSON: the query that says of which kind, and the file.
    file: tuple[str, bytes] | None = None


def an_invitation(workspace: Workspace) -> Invitation:
    member = a_member(workspace)
    return Invitation.objects.create(
        workspace=workspace,
        email=f"{member.user.username}@example.com",
        token_hash=f"hash-{member.pk}",
        expires_at=datetime(2099, 1, 1, tzinfo=UTC),
    )


def a_change(workspace: Workspace) -> Change:
    an_item(workspace)
    return Change.objects.in_workspace(workspace.pk).order_by("-id")[0]


def a_quiet_run(workspace: Workspace) -> QuietRun:
    moment = datetime(2026, 5, 1, tzinfo=UTC)
    said = {"kind": "thresholds", "started_at": moment, "through_at": moment, "ended_at": moment}
    return QuietRun.objects.create(workspace=workspace, **said)


def _moves_of_one_flag(workspace: Workspace) -> list[dict[str, Any]]:
    return [{"id": a_flag(an_item(workspace)).pk, "action": "acknowledge"}]


def a_source_of_events(workspace: Workspace) -> Source:
    return a_source(workspace, kind="custom")


def an_import(workspace: Workspace) -> FileImport:
    return FileImport.objects.create(workspace=workspace, kind="items", state="done", body_bytes=1)


def a_replay(workspace: Workspace) -> Replay:
    return Replay.objects.create(
        workspace=workspace, source=a_source_of_events(workspace), asked_by="Ada", last_id=1
    )


def a_reconciliation(workspace: Workspace) -> Reconciliation:
    # Done, for a workspace has one under way at most.
    return Reconciliation.objects.create(
        workspace=workspace, stage="done", finished_at=datetime(2026, 6, 1, tzinfo=UTC)
    )


def a_rule(workspace: Workspace) -> Rule:
    return Rule.objects.create(
        workspace=workspace,
        source=a_source_of_events(workspace),
        match="name == 'x'",
        to="usage",
        item=an_item(workspace),
    )


def a_candidate(workspace: Workspace) -> Candidate:
    source = a_source(workspace, kind="segment")
    at = datetime(2026, 5, 1, tzinfo=UTC)
    return Candidate.objects.create(
        workspace=workspace, source=source, kind="event", name=f"seen by {source.key}", count=1,
        first_seen_at=at, last_seen_at=at,
    )  # fmt: skip


def a_scoring_model(workspace: Workspace) -> ScoringModel:
    newest = ScoringModel.objects.in_workspace(workspace.pk).order_by("-version").first()
    version = newest.version + 1 if newest else 1
    return ScoringModel.objects.create(
        workspace=workspace, version=version, weights=default_numbers(), is_active=False
    )


R, W = "roadmap:read", "roadmap:write"
OR, OW = "outcomes:read", "outcomes:write"
_RULE = {"match": "name == 'y'", "to": "usage", "item_key": "properties.item"}
_ONE_OF_EACH = {"respondents": 3, "importance_top2": 1, "satisfaction_top2": 1}

ROWS: dict[str, Row] = {
    "products": Row(R, W, a_product),
    "customers": Row(R, W, a_customer),
    "problems": Row(R, W, a_problem, scopes={"asked-not-using": OR}),
    "evidence": Row(R, W, lambda workspace: evidence(a_problem(workspace))),
    "surveys": Row(R, W, lambda workspace: a_survey(a_problem(workspace)), body=_ONE_OF_EACH),
    # Supposing writes nothing.
    "items": Row(R, W, an_item, scopes={"what-if": R}),
    "links": Row(
        R,
        W,
        lambda workspace: a_link(an_item(workspace), a_problem(workspace), 0.5),
        body={"weight": 0.1},
    ),
    "metrics": Row(OR, OW, a_metric),
    "outcomes": Row(OR, OW, lambda workspace: an_outcome(an_item(workspace))),
    "observations": Row("ingest", "ingest"),
    "sources": Row(
        OR,
        "admin",
        a_source_of_events,
        body={"kind": "productops"},
        bodies={"rules": _RULE, "test": {"sample": {"name": "x"}}},
        scopes={"replay": OW},
    ),
    "rules": Row(OR, "admin", a_rule, body={**_RULE, "source": lambda own: a_source_of_events(own).pk}),
    "deliveries": Row(OR, OW, lambda workspace: a_delivery(a_source(workspace), state="done")),
    "replays": Row(OR, OW, a_replay),
    "candidates": Row(OR, OW, a_candidate),
    "effects": Row(OR, OW, lambda workspace: an_effect(an_outcome(an_item(workspace)))),
    "experiments": Row(OR, OW, lambda workspace: an_experiment(an_item(workspace))),
    "flags": Row(
        OR,
        OW,
        lambda workspace: a_flag(an_item(workspace)),
        bodies={"snooze": {"until": "2099-01-01"}, "bulk": {"rows": _moves_of_one_flag}},
    ),
    "endpoints": Row(OR, "admin", an_endpoint, body={"url": "https://hooks.example.com/made"}),
    "notices": Row(OR, "admin", lambda workspace: a_notice(an_endpoint(workspace))),
    "imports": Row(R, W, an_import, file=("?kind=items", b"key,title\nmade,Made\n")),
    "insights": Row(OR, OW, a_quiet_run),
    "insights/reconciliations": Row(OR, OW, a_reconciliation),
    "scoring-models": Row(OR, "admin", a_scoring_model),
    "workspace": Row(R, "admin"),
    "members": Row(R, "admin", a_member, body={"role": "admin"}),
    "invitations": Row("admin", "admin", an_invitation, body={"email": "new@example.com", "role": "viewer"}),
    "api-keys": Row("admin", "admin", lambda workspace: a_key(workspace)[0], body={"scopes": ["ingest"]}),
    "changes": Row(OR, "admin", a_change),
}

# What acts in no workspace, and why it may answer anybody; their own tests are named.
OPEN = {
    "schema/": "the document is public (tests/productops/test_schema.py)",
    "docs/": "the page that shows it (tests/productops/test_docs_in_a_browser.py)",
    "v1/session/": "signing in, by anybody (tests/productops/test_sessions.py)",
    "v1/workspaces/": "one's own workspaces, by person (tests/productops/test_sessions.py)",
    "v1/invitations/accept/": "the token is the credential (tests/productops/test_sessions.py)",
}

# Ids in bodies that are not fields of the kind KeyOrId, by the end of the path: the pointer, and what is named.
PLAIN_REFERENCES: dict[str, tuple[str, str]] = {"rules/test/": ("delivery", "deliveries")}

# Fields that are called like an object and are none: the end of the path, the field, and what it is.
NO_REFERENCES = {("rules/", "customer"): "an expression over the event"}


def maker_of(model: type) -> Make:
    """How to make a row of a model that a reference names."""
    for row in ROWS.values():
        if row.make is not None and made_by(row) is model:
            return row.make
    raise AssertionError(f"Nothing in ROWS of tests/tenants/rows.py makes a {model.__name__}. {HOW}")


_MADE_BY: dict[int, type] = {}


def made_by(row: Row) -> type:
    """The model of what a row makes, found by making one that is rolled back."""
    if id(row) not in _MADE_BY:
        assert row.make is not None
        with transaction.atomic():
            _MADE_BY[id(row)] = type(row.make(a_workspace()))
            transaction.set_rollback(True)
    return _MADE_BY[id(row)]
