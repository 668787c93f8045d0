"""Issues that name no problem: candidates with suggestions, evidence once a person says for which."""

from __future__ import annotations

import json
from typing import Any

import pytest

from outcomes.models import Candidate, Delivery
from outcomes.pipeline.interpret import interpret_pending
from roadmap.models import Evidence, Problem
from tests.callers import Caller, pointers
from tests.factories import a_problem, evidence
from tests.outcomes.api.sending import Vendor, hub_signature

pytestmark = pytest.mark.django_db

NAME = "github:acme/shop#7"


@pytest.fixture
def vendor() -> Vendor:
    return Vendor("github")


@pytest.fixture
def pm(vendor: Vendor) -> Caller:
    return Caller(vendor.workspace)


@pytest.fixture
def lost(vendor: Vendor) -> Problem:
    a_problem(vendor.workspace, key="slow", title="Pages load slowly")
    return a_problem(vendor.workspace, key="lost", title="Baskets are lost between devices")


def hook(vendor: Vendor, action: str, day: int, *labels: str, **more: Any) -> None:
    """One webhook about issue 7, stated on a day of April, with the labels that it has then."""
    issue = {
        "number": 7,
        "title": "My basket is lost",
        "body": "On my other device.",
        "html_url": "https://example.com/i/7",
        "created_at": "2026-04-01T09:00:00Z",
        "updated_at": f"2026-04-{day:02}T09:00:00Z",
        "labels": [{"name": label} for label in labels],
        **{name: more.pop(name) for name in ("title", "body") if name in more},
    }
    payload = {"action": action, "issue": issue, "repository": {"full_name": "acme/shop"}, **more}
    body = json.dumps(payload).encode()
    headers = {"X-GitHub-Event": "issues", "X-Hub-Signature-256": hub_signature(vendor.secret, body)}
    assert vendor.send("POST", "", body, **headers).status_code == 202
    vendor.settle()


def accept(pm: Caller, problem: Any) -> Any:
    return pm.post(f"candidates/{Candidate.objects.get(name=NAME).pk}/accept/", {"problem": problem})


def standing() -> set[str]:
    """The problems that the issue is evidence for."""
    held = Evidence.objects.filter(external_id=NAME, is_retracted=False)
    return set(held.values_list("problem__key", flat=True))


def replayed(vendor: Vendor) -> None:
    while interpret_pending(max_seconds=60):
        pass
    vendor.settle()


def test_an_issue_without_a_label_waits_with_the_problems_it_is_like(
    vendor: Vendor, pm: Caller, lost: Problem
) -> None:
    hook(vendor, "opened", 1)
    hook(vendor, "edited", 2)
    (told,) = pm.get("candidates/").json()["results"]
    assert (told["kind"], told["name"], told["count"], told["problem"]) == ("evidence", NAME, 2, None)
    assert told["sample"]["title"] == "My basket is lost"
    (like,) = pm.get(f"candidates/{told['id']}/suggested/").json()["results"]
    assert like["key"] == "lost"
    assert standing() == set()


def test_a_pm_accepts_an_issue_and_it_is_evidence_once(vendor: Vendor, pm: Caller, lost: Problem) -> None:
    hook(vendor, "opened", 1)
    hook(vendor, "edited", 2)
    answer = accept(pm, "lost")
    assert (answer.status_code, answer.json()["problem"], answer.json()["replayed"]) == (200, "lost", 2)
    replayed(vendor)
    hook(vendor, "closed", 3)
    (piece,) = lost.evidence.all()
    assert (piece.kind, piece.external_id, str(piece.observed_on)) == ("ticket", NAME, "2026-04-01")
    assert piece.quote == "My basket is lost\n\nOn my other device."
    assert Candidate.objects.get().count == 0
    assert set(Delivery.objects.values_list("state", flat=True)) == {"done"}
    assert accept(pm, "slow").status_code == 409


def test_an_issue_that_was_deleted_before_it_was_accepted_is_no_evidence(
    vendor: Vendor, pm: Caller, lost: Problem
) -> None:
    # Out of order, too.
    hook(vendor, "deleted", 5)
    hook(vendor, "opened", 1)
    assert accept(pm, "lost").status_code == 200
    replayed(vendor)
    assert standing() == set()


def test_an_accepted_issue_goes_when_it_is_deleted(vendor: Vendor, pm: Caller, lost: Problem) -> None:
    hook(vendor, "opened", 1)
    accept(pm, "lost")
    replayed(vendor)
    assert standing() == {"lost"}
    hook(vendor, "deleted", 2)
    assert standing() == set()


def test_an_accepted_issue_that_gets_a_label_is_evidence_for_that_problem_alone(
    vendor: Vendor, pm: Caller, lost: Problem
) -> None:
    hook(vendor, "opened", 1)
    accept(pm, "lost")
    replayed(vendor)
    hook(vendor, "labeled", 2, "problem: slow")
    assert standing() == {"slow"}
    hook(vendor, "unlabeled", 3, label={"name": "problem: slow"})
    assert standing() == {"lost"}


def test_an_accepted_issue_follows_the_person_who_moves_it(vendor: Vendor, pm: Caller, lost: Problem) -> None:
    hook(vendor, "opened", 1)
    accept(pm, "lost")
    replayed(vendor)
    pm.post(f"evidence/{Evidence.objects.get().pk}/move/", {"problem": "slow"})
    hook(vendor, "edited", 2)
    assert standing() == {"slow"}


def test_an_issue_needs_a_problem_and_one_that_stands_elsewhere_is_409(
    vendor: Vendor, pm: Caller, lost: Problem
) -> None:
    hook(vendor, "opened", 1)
    for problem in (None, "nowhere"):
        assert pointers(accept(pm, problem)) == {"/problem"}
    candidate = Candidate.objects.get()
    assert pointers(pm.post(f"candidates/{candidate.pk}/accept/", {})) == {"/problem"}
    evidence(Problem.objects.get(key="slow"), external_id=NAME)
    assert accept(pm, "lost").status_code == 409
    candidate.refresh_from_db()
    assert (candidate.state, candidate.problem) == ("open", None)


def test_a_long_issue_is_kept_by_its_beginning(vendor: Vendor, lost: Problem) -> None:
    hook(vendor, "opened", 1, title="\u00fc" * 5_000, body="lost " * 5_000)
    sample = Candidate.objects.get().sample
    assert set(sample) == {"title", "text", "is_gone"}
    assert sample["text"].startswith("lost lost")


def test_a_problem_that_is_removed_takes_what_was_accepted_for_it_along(
    vendor: Vendor, pm: Caller, lost: Problem
) -> None:
    hook(vendor, "opened", 1)
    accept(pm, "lost")
    lost.delete()
    replayed(vendor)
    assert not Candidate.objects.filter(state="accepted").exists()
