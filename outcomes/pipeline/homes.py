"""Issues that name no problem: evidence for the one that a person accepted them for, or a candidate until then."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from outcomes.models import Candidate, Source
from outcomes.sources.bodies import Refusal, Unclaimed
from outcomes.sources.native import state_row
from outcomes.sources.reading import EventBody, Issue

# A candidate's sample is cut off at two thousand bytes of JSON, in which a character may take six.
_TITLE_BYTES, _TEXT_BYTES = 700, 1_200


def place(source: Source, body: EventBody, *, now: datetime) -> None:
    """State a body's issues as evidence for the problems they were accepted for; the rest are refused and become
    candidates. One that names a problem itself by now is not for the accepted one any more."""
    if not body.issues:
        return
    accepted = Candidate.objects.filter(
        source=source, kind="evidence", state="accepted", name__in=[_name(issue) for issue in body.issues]
    )
    homes = dict(accepted.values_list("name", "problem__key"))
    for issue in body.issues:
        home = homes.get(_name(issue))
        if home is not None:
            _state(body, issue, home, now)
        elif not issue.problems:
            detail = "It names no problem; accept it for one, or give it a label `problem: key`."
            unclaimed = Unclaimed("evidence", _name(issue), issue.at, _sample(issue))
            body.refusals.append(Refusal(issue.pointer, "no_problem", detail, unclaimed))


def _state(body: EventBody, issue: Issue, home: str, now: datetime) -> None:
    if home in issue.problems:
        return
    if issue.says is None or issue.problems:
        taken_back = {"kind": "evidence", "problem": home, "id": issue.name}
        state_row(body, "retract", issue.pointer, taken_back, now=now)
    else:
        state_row(body, "evidence", issue.pointer, {"problem": home, **issue.says}, now=now)


def _name(issue: Issue) -> str:
    return issue.name[:200]


def _sample(issue: Issue) -> Mapping[str, Any]:
    return {
        "title": _cut(issue.title, _TITLE_BYTES),
        "text": _cut(issue.text, _TEXT_BYTES),
        "is_gone": issue.says is None,
    }


def _cut(text: str, most: int) -> str:
    """The beginning of a text that takes at most so many bytes as JSON."""
    kept = text[:most]
    while len(json.dumps(kept)) > most:
        kept = kept[: len(kept) * 3 // 4]
    return kept
