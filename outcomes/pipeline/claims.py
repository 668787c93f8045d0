"""Notices on their way: claimed with a lease in one short transaction, recorded in another, nothing held between.

Who claims an attempt writes it down first, by its number, and that number exists once: no two workers make the
same attempt. One that died leaves an attempt without a result, and the notice is due again when its lease ends.
"""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from outcomes.channels.parcels import Parcel
from outcomes.channels.wire import Answer
from outcomes.formulas.retries import GIVEN_UP_AFTER, MOST_ATTEMPTS, next_due
from outcomes.models import Attempt, Endpoint, EndpointSecret, Notice, Occurrence
from outcomes.models.notices import WAITING
from outcomes.models.told import DISABLED, TEST
from outcomes.pipeline import doorbell
from outcomes.pipeline.outbox import BELL
from productops.workspaces.models import Member, Role

# Longer than any attempt may take; a worker that died leaves its notices for this long.
LEASE = timedelta(seconds=60)
# So many attempts at a time for one endpoint; one that fails gets a single one, so that it cannot hold up others.
AT_ONE_ENDPOINT, AT_A_FAILING_ONE = 2, 1


@dataclass(frozen=True, slots=True)
class Claimed:
    """An attempt that is ours to make."""

    notice_id: int
    attempt_id: int
    endpoint_id: int
    number: int
    # Of those that count for the schedule, which this is.
    turn: int
    token: str
    started_at: datetime
    is_test: bool
    is_to_owner: bool
    parcel: Parcel


def claim(limit: int) -> list[Claimed]:
    """Claim up to `limit` notices that are due, a few of each endpoint; each is to be sent at once."""
    now, token = timezone.now(), uuid.uuid4().hex
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                _CLAIM,
                {
                    "now": now,
                    "until": now + LEASE,
                    "token": token,
                    "limit": limit,
                    "few": AT_ONE_ENDPOINT,
                    "fewer": AT_A_FAILING_ONE,
                },
            )
            ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return []
        related = ("occurrence", "endpoint__workspace", "endpoint__owner__user")
        notices = list(Notice.objects.filter(id__in=ids).select_related(*related).order_by("id"))
        wanted = [notice for notice in notices if not _end_of(notice)]
        for state in ("dropped", "failed"):
            ended = [notice.pk for notice in notices if _end_of(notice) == state]
            Notice.objects.filter(id__in=ended).update(state=state, finished_at=now, claimed_by="")
        attempts = Attempt.objects.bulk_create(
            Attempt(
                workspace_id=notice.workspace_id,
                notice=notice,
                endpoint_id=notice.endpoint_id,
                number=notice.attempts,
                started_at=now,
            )
            for notice in wanted
        )
        return _claimed(wanted, attempts, token, now)


def record(claimed: Claimed, answer: Answer) -> None:
    """Write down what became of an attempt, and what follows from it for the notice and its endpoint."""
    now = timezone.now()
    with transaction.atomic():
        # The endpoint first, always: whoever disables it goes from there to its notices.
        endpoint = (
            Endpoint.objects.select_for_update(no_key=True)
            .select_related(None)
            .filter(pk=claimed.endpoint_id)
            .first()
        )
        if endpoint is None:
            return
        Attempt.objects.filter(pk=claimed.attempt_id).update(
            took_ms=answer.took_ms, status=answer.status, error=answer.error, answer=answer.body
        )
        ours = Notice.objects.filter(pk=claimed.notice_id, claimed_by=claimed.token, state="pending")
        if answer.error:
            ours.update(**_after_failure(claimed, answer, now))
        else:
            ours.update(state="delivered", finished_at=now, claimed_by="")
        if not claimed.is_test and not claimed.is_to_owner:
            _note_health(endpoint, claimed, answer, now)


def disable(endpoint: Endpoint, reason: str, now: datetime) -> bool:
    """Disable an endpoint, in the running transaction; what waits for it is dropped. False if it was already.

    Unless a person does it, its owner, or without one the administrators, get a mail.
    """
    held = Endpoint.objects.filter(pk=endpoint.pk, disabled_at=None)
    changes = {"disabled_at": now, "disabled_reason": reason, "updated_at": now}
    if not held.update(version=F("version") + 1, **changes):
        return False
    waiting = Notice.objects.filter(endpoint=endpoint, state__in=WAITING, recipient="endpoint")
    waiting.exclude(occurrence__event=TEST).update(state="dropped", finished_at=now, claimed_by="")
    if reason != "by_hand":
        _tell_owner(endpoint, reason, now)
    return True


def _end_of(notice: Notice) -> str:
    """The state of a notice that is not to be sent any more; blank for one that is."""
    is_for_itself = notice.recipient == "endpoint" and notice.occurrence.event != TEST
    if is_for_itself and notice.endpoint.disabled_at is not None:
        # It was disabled while the notice was being written.
        return "dropped"
    # Workers that died left attempts without a result; those count, too.
    return "failed" if notice.attempts - notice.attempts_before > MOST_ATTEMPTS else ""


def _claimed(
    notices: Sequence[Notice], attempts: Sequence[Attempt], token: str, now: datetime
) -> list[Claimed]:
    secrets = _secrets({notice.endpoint_id for notice in notices}, now)
    admins = _admins({notice.workspace_id for notice in notices if notice.recipient == "owner"})
    return [
        Claimed(
            notice_id=notice.pk,
            attempt_id=attempt.pk,
            endpoint_id=notice.endpoint_id,
            number=notice.attempts,
            turn=notice.attempts - notice.attempts_before,
            token=token,
            started_at=now,
            is_test=notice.occurrence.event == TEST,
            is_to_owner=notice.recipient == "owner",
            parcel=Parcel(
                message_id=notice.message_id,
                channel="mail" if notice.recipient == "owner" else notice.endpoint.channel,
                url=notice.endpoint.url,
                emails=_emails(notice, admins),
                secrets=secrets[notice.endpoint_id],
                payload=notice.occurrence.payload,
            ),
        )
        for notice, attempt in zip(notices, attempts, strict=True)
    ]


def _emails(notice: Notice, admins: Mapping[int, Sequence[str]]) -> Sequence[str]:
    if notice.recipient == "endpoint":
        return [notice.endpoint.email] if notice.endpoint.email else []
    owner = notice.endpoint.owner
    if owner is not None and owner.user.email:
        return [owner.user.email]
    return admins[notice.workspace_id]


def _secrets(endpoint_ids: Iterable[int], now: datetime) -> Mapping[int, Sequence[str]]:
    held: dict[int, list[str]] = defaultdict(list)
    rows = EndpointSecret.objects.valid_at(now).filter(endpoint_id__in=endpoint_ids)
    for endpoint_id, secret in rows.order_by("-created_at", "-id").values_list("endpoint_id", "secret"):
        held[endpoint_id].append(secret)
    return held


def _admins(workspace_ids: Iterable[int]) -> Mapping[int, Sequence[str]]:
    """The mailboxes of the administrators of each workspace."""
    found: dict[int, list[str]] = defaultdict(list)
    members = Member.objects.filter(workspace_id__in=workspace_ids, role=Role.ADMIN, user__is_active=True)
    for workspace_id, email in members.order_by("id").values_list("workspace_id", "user__email"):
        if email:
            found[workspace_id].append(email)
    return found


def _after_failure(claimed: Claimed, answer: Answer, now: datetime) -> dict[str, object]:
    due = None
    if not claimed.is_test and not answer.is_gone:
        due = next_due(
            claimed.turn,
            claimed.started_at,
            now,
            retry_after=answer.retry_after,
            jitter=random.random(),  # noqa: S311  # spreads load, guards nothing
        )
    if due is None:
        return {"state": "failed", "finished_at": now, "claimed_by": ""}
    return {"due_at": due, "claimed_by": ""}


def _note_health(endpoint: Endpoint, claimed: Claimed, answer: Answer, now: datetime) -> None:
    if not answer.error:
        if endpoint.failing_since is not None:
            Endpoint.objects.filter(pk=endpoint.pk).update(failing_since=None)
        return
    since = endpoint.failing_since or claimed.started_at
    Endpoint.objects.filter(pk=endpoint.pk).update(failing_since=Coalesce("failing_since", since))
    endpoint.failing_since = since
    if answer.is_gone:
        disable(endpoint, "gone", now)
    elif now - since >= GIVEN_UP_AFTER:
        disable(endpoint, "failing", now)


def _tell_owner(endpoint: Endpoint, reason: str, now: datetime) -> None:
    since = (endpoint.failing_since or now).isoformat(timespec="seconds")
    named = {"id": endpoint.pk, "name": endpoint.name, "host": endpoint.host or endpoint.email}
    occurrence = Occurrence.objects.create(
        workspace_id=endpoint.workspace_id,
        event=DISABLED,
        identity=f"{DISABLED}:{endpoint.pk}:{now.isoformat()}",
        payload={
            "type": DISABLED,
            "timestamp": now.isoformat(timespec="seconds"),
            "workspace": endpoint.workspace.key,
            "data": {"endpoint": named, "reason": reason, "failing_since": since},
        },
        occurred_at=now,
        endpoint=endpoint,
    )
    Notice.objects.create(
        workspace_id=endpoint.workspace_id,
        occurrence=occurrence,
        endpoint=endpoint,
        recipient="owner",
        due_at=now,
        created_at=now,
    )
    doorbell.ring_after_commit(BELL)


# Endpoint by endpoint, so that the many notices of one that is slow do not stand before those of the others.
_CLAIM = """
    WITH due AS MATERIALIZED (
        SELECT found.id, found.due_at FROM outcomes_endpoint AS endpoint
        CROSS JOIN LATERAL (
            SELECT waiting.id, waiting.due_at FROM outcomes_notice AS waiting
            WHERE waiting.endpoint_id = endpoint.id AND waiting.state = 'pending' AND waiting.due_at <= %(now)s
            ORDER BY waiting.due_at, waiting.id
            LIMIT greatest(0, CASE WHEN endpoint.failing_since IS NULL THEN %(few)s ELSE %(fewer)s END - (
                SELECT count(*) FROM outcomes_notice AS flying
                WHERE flying.endpoint_id = endpoint.id AND flying.state = 'pending'
                  AND flying.due_at > %(now)s AND flying.due_at <= %(until)s AND flying.claimed_by <> ''))
            FOR UPDATE OF waiting SKIP LOCKED
        ) AS found
    ), ours AS (
        SELECT id FROM due ORDER BY due_at, id LIMIT %(limit)s
    )
    UPDATE outcomes_notice AS notice SET claimed_by = %(token)s, due_at = %(until)s, attempts = attempts + 1
    FROM ours WHERE notice.id = ours.id
    RETURNING notice.id
"""
