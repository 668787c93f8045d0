"""Sources of kind `github`: published releases release items, issues become evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from outcomes.sources.bodies import BodyRefused
from outcomes.sources.native import state_row
from outcomes.sources.proofs import require_hmac, signed_now
from outcomes.sources.reading import (
    Event,
    EventBody,
    Issue,
    day_of,
    first_text,
    instant,
    objects,
    read_json,
    text_of,
)
from outcomes.sources.signatures import Signed

DELIVERY_ID = "x-github-delivery"
_EVENT = "x-github-event"
# A version at the end of a tag or a name: v1.2.0, @1.2.0, -2026.05.01.
_VERSION = re.compile(
    r"(?:^|[-_@/ ]+)(?:v|version|release)?[-_ ]?\d+(?:[._]\d+)*(?:[-.+][0-9A-Za-z.]+)?$", re.I
)
_NAMED = re.compile(r"^\W*items?\s*:\s*(.+)$", re.I | re.M)
_NOT_KEY = re.compile(r"[^a-z0-9_-]+")
_PROBLEM = re.compile(r"^problem\s*[:/]\s*(.+)$", re.I)
_MOST_ITEMS = 20


def verify(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], *, now: datetime, tolerance: timedelta
) -> Signed:
    """`X-Hub-Signature-256` over the raw body. Raises SignatureRefused."""
    require_hmac(headers.get("x-hub-signature-256", ""), body, secrets)
    return signed_now(body, now, headers.get(DELIVERY_ID, ""))


def events(body: bytes, *, headers: Mapping[str, str], path: str, now: datetime) -> EventBody:
    """Read one webhook. Raises BodyRefused when there is no object."""
    text = body
    if headers.get("content-type") == "application/x-www-form-urlencoded":
        text = _payload(body)
    document = read_json(text)
    if not isinstance(document, dict):
        raise BodyRefused("The body must be a JSON object.")
    read = EventBody()
    kind = headers.get(_EVENT) or _guessed(document)
    for _, payload in objects([document], "", read):
        if kind == "release":
            _release(payload, read, now)
        elif kind == "issues":
            _issue(payload, read, now)
        read.events.append(_event(kind, payload, now))
    return read


def _payload(form: bytes) -> bytes:
    try:
        fields = parse_qs(form.decode("utf-8", "replace"), max_num_fields=5)
    except ValueError as error:
        raise BodyRefused("The form has more than 5 fields; there is one, payload.") from error
    return fields.get("payload", [""])[0].encode()


def _guessed(payload: dict[str, Any]) -> str:
    return next(
        (kind for kind, part in (("release", "release"), ("issues", "issue")) if part in payload), "ping"
    )


def _part(payload: dict[str, Any], name: str) -> dict[str, Any]:
    value = payload.get(name)
    return value if isinstance(value, dict) else {}


def _event(kind: str, payload: dict[str, Any], now: datetime) -> Event:
    action = text_of(payload.get("action"))
    part = _part(payload, {"issues": "issue"}.get(kind, kind))
    said = first_text(*(part.get(name) for name in ("published_at", "updated_at", "created_at")))
    return Event(
        name=f"{kind}.{action}" if action else kind,
        at=instant(said) or now,
        pointer="",
        id=first_text(part.get("node_id"), part.get("id")) or "",
        actor=first_text(_part(payload, "sender").get("login")),
        properties=payload,
        # What has a meaning of its own needs no rule; the rest is only for those who write one.
        is_upkeep=True,
    )


def items_of_release(release: Mapping[str, Any]) -> list[str]:
    """The keys of the items a release is of: what its notes say in a line `Item: key, key`, else its tag or
    name without the version."""
    notes = text_of(release.get("body"))
    said = [key.strip(" `*_[]") for line in _NAMED.findall(notes[:100_000]) for key in line.split(",")]
    keys = list(dict.fromkeys(key for key in said if key))[:_MOST_ITEMS]
    if keys:
        return keys
    for named in (text_of(release.get("tag_name")), text_of(release.get("name"))):
        bare = _VERSION.sub("", named.strip()[:200])
        key = _NOT_KEY.sub("-", bare.lower()).strip("-_")
        if key and not key.isdigit() and key not in ("v", "release", "version", "bulk"):
            return [key]
    return []


def _release(payload: dict[str, Any], read: EventBody, now: datetime) -> None:
    release = _part(payload, "release")
    action = payload.get("action")
    if release.get("draft") is True or release.get("prerelease") is True:
        return
    at = instant(release.get("published_at") or release.get("created_at"))
    if at is None:
        return
    repository = text_of(_part(payload, "repository").get("name"))
    keys = items_of_release(release) or [_NOT_KEY.sub("-", repository.lower()).strip("-_")]
    for key in filter(None, keys):
        if action in ("published", "released"):
            fields: dict[str, Any] = {"item": key, "at": at, "url": text_of(release.get("html_url"))}
            state_row(read, "releases", "/release", fields, now=now)
        elif action in ("deleted", "unpublished"):
            state_row(read, "retract", "/release", {"kind": "release", "item": key, "at": at}, now=now)


def _issue(payload: dict[str, Any], read: EventBody, now: datetime) -> None:
    issue = _part(payload, "issue")
    read.sent_at = instant(issue.get("updated_at"))
    repository = text_of(_part(payload, "repository").get("full_name"))
    number = text_of(issue.get("number"))
    if not number or "pull_request" in issue:
        return
    name = f"github:{repository}#{number}"
    action = payload.get("action")
    labels = issue.get("labels")
    problems = [_problem(label) for label in (labels if isinstance(labels, list) else [])]
    if action == "unlabeled" and (gone := _problem(payload.get("label"))):
        state_row(read, "retract", "/label", {"kind": "evidence", "problem": gone, "id": name}, now=now)
    named = tuple(dict.fromkeys(filter(None, problems)))
    says = None if action in ("deleted", "transferred") else _said_by(issue, name)
    for problem in named:
        if says is None:
            gone_with = {"kind": "evidence", "problem": problem, "id": name}
            state_row(read, "retract", "/issue", gone_with, now=now)
        else:
            state_row(read, "evidence", "/issue", {"problem": problem, **says}, now=now)
    at = read.sent_at or now
    title, text = text_of(issue.get("title")), text_of(issue.get("body"))
    read.issues.append(Issue(name, at, named, title, text, says, "/issue"))


def _said_by(issue: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What an issue says as evidence, whatever for."""
    return {
        "kind": "ticket",
        "id": name,
        "quote": f"{text_of(issue.get('title'))}\n\n{text_of(issue.get('body'))}".strip()[:20_000],
        "source_url": text_of(issue.get("html_url")),
        "observed_on": day_of(issue.get("created_at")),
    }


def _problem(label: Any) -> str | None:
    """The key of the problem that a label `problem: key` names."""
    found = _PROBLEM.match(text_of(label.get("name"))) if isinstance(label, dict) else None
    return found.group(1).strip() if found else None
