"""The native body, row by row: each row is taken or refused on its own, with a reason.

Pure: bytes in, typed rows and refusals out. Shapes and identities are those of the webhook's documentation.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar

import msgspec

MAX_DEPTH = 32
# Times further ahead than this are a wrong clock or a wrong unit, not news.
MAX_AHEAD = timedelta(hours=24)

# More people than there are, and sums whose squares are still numbers.
MOST_PEOPLE = 10**12
MOST_SUM = 1e100
# Squares that were added up elsewhere may fall short by rounding.
_ROUNDING = 1e-9

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Key = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Label = Annotated[str, msgspec.Meta(max_length=200)]
Url = Annotated[str, msgspec.Meta(max_length=2000)]


class Row(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A row of the body. Unknown fields are refused: what we would ignore, the sender should know."""


class ObservationRow(Row):
    metric: Key
    at: Instant
    value: float
    series: Label = ""


class UsageRow(Row):
    item: Key
    actor: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    at: Instant
    customer: Key | None = None
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=180)] | None = None


class SnapshotRow(Row):
    item: Key
    on: date
    active: Annotated[float, msgspec.Meta(ge=0)] | None = None
    eligible: Annotated[float, msgspec.Meta(ge=0)] | None = None
    share: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    days: Annotated[int, msgspec.Meta(ge=1, le=730)] = 1


class EvidenceRow(Row):
    problem: Key
    kind: str
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    customer: Key | None = None
    quote: Annotated[str, msgspec.Meta(max_length=20_000)] = ""
    source_url: Url = ""
    observed_on: date | None = None
    importance: Annotated[int, msgspec.Meta(ge=0, le=3)] = 1


class CustomerRow(Row):
    key: Key
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    segment: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    mrr: Annotated[float, msgspec.Meta(ge=0, lt=1e13)] | None = None


class ReleaseRow(Row):
    item: Key
    at: Instant
    url: Url = ""


class ExperimentRow(Row):
    """What a variant had come to by `at`: people, the sum of their values and of the squares of these."""

    key: Key
    variant: Key
    metric: Key
    at: Instant
    n: Annotated[int, msgspec.Meta(ge=0, le=MOST_PEOPLE)]
    sum: float
    sum_squares: float


class RetractRow(Row):
    """Names what to take back by its identity; which fields those are depends on `kind`."""

    kind: str
    metric: Key | None = None
    series: Label = ""
    item: Key | None = None
    problem: Key | None = None
    key: Key | None = None
    variant: Key | None = None
    actor: str | None = None
    id: str | None = None
    at: Instant | None = None
    on: date | None = None
    days: Annotated[int, msgspec.Meta(ge=1, le=730)] = 1


# In this order rows are numbered; retractions come last, so that in one body they win over what they name.
SECTIONS: dict[str, type[Row]] = {
    "observations": ObservationRow,
    "usage": UsageRow,
    "snapshots": SnapshotRow,
    "evidence": EvidenceRow,
    "customers": CustomerRow,
    "releases": ReleaseRow,
    "experiments": ExperimentRow,
    "retract": RetractRow,
}
RETRACTABLE = {
    "observation": ("metric", "at"),
    "usage": ("item", "at"),
    "snapshot": ("item", "on"),
    "evidence": ("problem", "id"),
    "release": ("item", "at"),
    "experiment": ("key", "variant", "metric", "at"),
}
EVIDENCE_KINDS = frozenset(
    ("interview", "ticket", "call", "review", "survey", "analytics", "experiment", "vote", "opinion")
)

R = TypeVar("R", bound=Row)


class BodyRefused(Exception):
    """The body as a whole cannot be read; nothing of it was taken."""


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """A name that means nothing here yet: `kind` is one of CANDIDATE_KINDS. `at` is when it was spoken of."""

    kind: str
    name: str
    at: datetime
    sample: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row that was not taken: where it stood (a JSON pointer), a code for programs, words for people."""

    pointer: str
    code: str
    detail: str
    # The name nobody claimed, when that is why: it becomes a candidate.
    unclaimed: Unclaimed | None = None

    def as_json(self) -> dict[str, str]:
        # What a sender called something may be no text that the database takes.
        pointer, detail = (_storable(text[:300]) for text in (self.pointer, self.detail))
        return {"row": pointer, "code": self.code, "detail": detail}


def _storable(text: str) -> str:
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True)
class Numbered(Generic[R]):
    """A row, its place in the body and its number among all rows, by which later rows win over earlier."""

    row: R
    pointer: str
    number: int


@dataclass(slots=True)
class NativeBody:
    """What a body states. `sent_at` is the sender's time of stating, None when it said none."""

    sent_at: datetime | None = None
    covers: list[date] = field(default_factory=list)
    rows: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in SECTIONS})
    refusals: list[Refusal] = field(default_factory=list)
    row_count: int = 0


def read(body: bytes, *, now: datetime) -> NativeBody:
    """Return the rows of a body and what was refused. Raises BodyRefused when it is no native body at all."""
    document = _document(body)
    read_body = NativeBody()
    read_body.sent_at = _sent_at(document.pop("sent_at", None), now)
    _read_covers(document.pop("covers", None), read_body, now)
    for name in SECTIONS:
        section = document.pop(name, None)
        for pointer, raw in _whole(section, name) or _entries(section, name, read_body):
            add_row(read_body, name, pointer, raw, now=now)
    for name in document:
        detail = f"{name!r} is not a part of the body this source can state."
        read_body.refusals.append(Refusal(f"/{name}", "unknown_section", detail))
    return read_body


def state_row(
    body: NativeBody,
    section: str,
    pointer: str,
    fields: Mapping[str, Any],
    *,
    now: datetime,
    number: int | None = None,
) -> None:
    """Add a row that an adapter or a rule made of something else; a bad one is refused like a sender's own.

    `number` is its number among the rows of its section, if it is not simply the next.
    """
    add_row(body, section, pointer, dict(fields), now=now, number=number)


def add_row(
    body: NativeBody, section: str, pointer: str, raw: Any, *, now: datetime, number: int | None = None
) -> None:
    """Add a row as it was written, raw JSON or a plain object, or what is wrong with it."""
    body.row_count += 1
    try:
        row = _row(raw, SECTIONS[section])
        _check(row, now)
    except _RowRefused as refused:
        body.refusals.append(Refusal(pointer, refused.code, str(refused)))
    else:
        body.rows[section].append(Numbered(row, pointer, body.row_count if number is None else number))


class _RowRefused(Exception):
    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class _Sections(msgspec.Struct):
    """Only a decoder for the outermost object: rows stay raw until each is decoded on its own."""


_OUTER = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_DECODERS: dict[type[Row], Any] = {kind: msgspec.json.Decoder(kind) for kind in SECTIONS.values()}
_LIST_DECODERS: dict[str, Any] = {
    name: msgspec.json.Decoder(list.__class_getitem__(kind)) for name, kind in SECTIONS.items()
}


def _document(body: bytes) -> dict[str, Any]:
    """The outermost object. Rows come raw when the body is clean JSON, else decoded leniently.

    The lenient path exists so that one NaN or lone surrogate refuses its own row, not a thousand good ones.
    """
    check_depth(body)
    try:
        return dict(_OUTER.decode(body))
    except (msgspec.MsgspecError, RecursionError):
        pass
    try:
        document = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BodyRefused("The body is not UTF-8.") from error
    except (ValueError, RecursionError) as error:
        raise BodyRefused(f"The body is not JSON: {str(error)[:200]}.") from error
    if not isinstance(document, dict):
        raise BodyRefused("The body must be a JSON object.")
    return document


# One that never ends goes to the end of the body: tried anew at each of its quotes, it would take quadratic time.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
# Either kind of bracket opens and closes a level.
_ALIKE = bytes.maketrans(b"{}", b"[]")
_OPEN = ord("[")
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def check_depth(body: bytes) -> None:
    """Refuses nesting beyond MAX_DEPTH before any parser recurses into it."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    brackets = left = _STRING.sub(b"", body).translate(_ALIKE, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        # The innermost pairs go, all at once: clean JSON is gone after as many rounds as it is deep.
        left = left.replace(b"[]", b"")
        if not left:
            return
    depth = 0
    for byte in brackets:
        depth += 1 if byte == _OPEN else -1
        if depth > MAX_DEPTH:
            raise BodyRefused(f"The body is nested deeper than {MAX_DEPTH}.")


def _entries(section: Any, name: str, read_body: NativeBody) -> Iterator[tuple[str, Any]]:
    if section is None:
        return
    entries = section
    if isinstance(section, msgspec.Raw):
        if bytes(section).strip() == b"null":
            return
        try:
            entries = _LIST.decode(section)
        except msgspec.MsgspecError:
            entries = None
    if not isinstance(entries, list):
        read_body.refusals.append(Refusal(f"/{name}", "not_a_list", f"{name!r} must be a list of rows."))
        return
    for index, entry in enumerate(entries):
        yield f"/{name}/{index}", entry


def _whole(section: Any, name: str) -> Iterator[tuple[str, Row]] | None:
    """The rows of a section that has nothing to refuse, read at once; None when they must be read one by one."""
    if not isinstance(section, msgspec.Raw):
        return None
    try:
        rows = _LIST_DECODERS[name].decode(section)
    except (msgspec.MsgspecError, UnicodeError, OverflowError, ValueError):
        return None
    return ((f"/{name}/{index}", row) for index, row in enumerate(rows))


def _row(raw: Any, kind: type[R]) -> R:
    if isinstance(raw, kind):
        return raw
    try:
        if isinstance(raw, msgspec.Raw):
            return _DECODERS[kind].decode(raw)
        return msgspec.convert(raw, kind, strict=True)
    except msgspec.ValidationError as error:
        detail = str(error)
        code = "unknown_field" if "unknown field" in detail else "bad_value"
        if "missing required field" in detail:
            code = "required"
        raise _RowRefused(code, detail) from error
    except (msgspec.MsgspecError, UnicodeError, OverflowError, ValueError) as error:
        raise _RowRefused("bad_value", str(error)) from error


def _check(row: Row, now: datetime) -> None:
    """What types alone cannot say: finite numbers, sane times, clean text, whole identities."""
    for name in row.__struct_fields__:
        value = getattr(row, name)
        check = _CHECKS.get(type(value))
        if check is not None:
            check(name, value, now)
    as_a_whole = _CHECKS_AS_A_WHOLE.get(type(row))
    if as_a_whole is not None:
        as_a_whole(row)


def _check_text(name: str, value: str, now: datetime) -> None:
    if "\x00" in value:
        raise _RowRefused("bad_value", f"{name} holds a NUL character.")
    if value.isascii():
        return
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _RowRefused("bad_value", f"{name} holds half a surrogate pair.") from None


def _check_finite(name: str, value: float, now: datetime) -> None:
    if not math.isfinite(value):
        raise _RowRefused("not_finite", f"{name} must be a finite number.")


def _check_instant(name: str, value: datetime, now: datetime) -> None:
    try:
        utc = value.astimezone(UTC)
    except OverflowError:
        raise _RowRefused("bad_value", f"{name} lies outside the calendar.") from None
    if utc > now + MAX_AHEAD:
        raise _RowRefused("in_the_future", f"{name} lies more than 24 hours ahead.")
    if utc.year < 2:
        raise _RowRefused("bad_value", f"{name} lies outside the calendar.")


def _check_day(name: str, value: date, now: datetime) -> None:
    # A day ahead by the clock of the easternmost zone is still within 24 hours.
    if value > (now + MAX_AHEAD).date() + timedelta(days=0 if now.hour < 10 else 1):
        raise _RowRefused("in_the_future", f"{name} lies more than 24 hours ahead.")
    if value.year < 2:
        raise _RowRefused("bad_value", f"{name} lies outside the calendar.")


def _check_snapshot(row: SnapshotRow) -> None:
    if (row.share is None) == (row.active is None):
        raise _RowRefused("required", "a snapshot has either active (and eligible) or share.")
    if row.share is not None and row.eligible is not None:
        raise _RowRefused("bad_value", "eligible goes with active, not with share.")


def _check_evidence(row: EvidenceRow) -> None:
    if row.kind not in EVIDENCE_KINDS:
        raise _RowRefused("bad_value", f"kind must be one of {', '.join(sorted(EVIDENCE_KINDS))}.")
    _check_url("source_url", row.source_url)


def _check_release(row: ReleaseRow) -> None:
    _check_url("url", row.url)


def _check_totals(row: ExperimentRow) -> None:
    """No values have squares that sum to less than sum² / n (Cauchy and Schwarz); nobody has no values."""
    if abs(row.sum) > MOST_SUM or row.sum_squares > MOST_SUM * MOST_SUM:
        raise _RowRefused("out_of_range", f"sum may be at most {MOST_SUM:g}, sum_squares its square.")
    if row.n == 0 and (row.sum or row.sum_squares):
        raise _RowRefused("bad_value", "with n 0 there is nobody whose values could be summed up.")
    if row.n * row.sum_squares < row.sum * row.sum * (1 - _ROUNDING):
        raise _RowRefused("impossible_squares", "sum_squares is less than sum * sum / n, which cannot be.")


def _check_url(name: str, value: str) -> None:
    if value and not value.startswith(("http://", "https://")):
        raise _RowRefused("bad_value", f"{name} must begin with http:// or https://.")


def _check_retraction(row: RetractRow) -> None:
    needed = RETRACTABLE.get(row.kind)
    if needed is None:
        raise _RowRefused("bad_value", f"kind must be one of {', '.join(RETRACTABLE)}.")
    for name in needed:
        if getattr(row, name) is None:
            raise _RowRefused("required", f"to retract {row.kind} say its {name}.")
    if row.kind == "usage" and row.id is None and row.actor is None:
        raise _RowRefused("required", "to retract usage say its id, or its actor.")


# A thousand rows are looked at per body: by their very types, as the decoder makes no others.
_CHECKS: dict[type, Callable[[str, Any, datetime], None]] = {
    str: _check_text,
    float: _check_finite,
    datetime: _check_instant,
    date: _check_day,
}
_CHECKS_AS_A_WHOLE: dict[type[Row], Callable[[Any], None]] = {
    SnapshotRow: _check_snapshot,
    EvidenceRow: _check_evidence,
    ReleaseRow: _check_release,
    ExperimentRow: _check_totals,
    RetractRow: _check_retraction,
}


def _sent_at(raw: Any, now: datetime) -> datetime | None:
    if raw is None or (isinstance(raw, msgspec.Raw) and bytes(raw) == b"null"):
        return None
    try:
        sent_at = (
            msgspec.json.decode(raw, type=Instant)
            if isinstance(raw, msgspec.Raw)
            else msgspec.convert(raw, Instant)
        ).astimezone(UTC)
    except (msgspec.MsgspecError, OverflowError) as error:
        raise BodyRefused(f"sent_at must be an RFC 3339 instant: {error}.") from error
    if sent_at > now + MAX_AHEAD:
        # It decides which statement wins; one from next year would win for ever.
        raise BodyRefused("sent_at lies more than 24 hours ahead.")
    return sent_at


def _read_covers(raw: Any, read_body: NativeBody, now: datetime) -> None:
    for pointer, entry in _entries(raw, "covers", read_body):
        read_body.row_count += 1
        try:
            day = (
                msgspec.json.decode(entry, type=date)
                if isinstance(entry, msgspec.Raw)
                else msgspec.convert(entry, date)
            )
            _check_day("covers", day, now)
        except msgspec.MsgspecError as error:
            read_body.refusals.append(Refusal(pointer, "bad_value", str(error)))
        except _RowRefused as refused:
            read_body.refusals.append(Refusal(pointer, refused.code, str(refused)))
        else:
            read_body.covers.append(day)
