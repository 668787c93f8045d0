"""From a sender's document to events: strict JSON, instants in every notation senders use, one event at a time.

Pure. What a sender wrote is refused event by event where that is possible, with a reason.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from operator import itemgetter
from typing import Any

from outcomes.sources.bodies import BodyRefused, NativeBody, Refusal, unmarked
from outcomes.sources.nesting import check_depth
from outcomes.sources.row_checks import RowRefused, check_instant
from outcomes.sources.rows import ROW_KINDS

# An event is matched by expressions, so its size bounds what one costs.
MAX_EVENT_NODES = 5_000
MAX_EVENTS = 20_000
# A clock that is off by less than this is latency; correcting it would give a retried event another time.
TOLERATED_SKEW = timedelta(minutes=5)
# An event older than this when it was sent was stated with a time of its own, not by the sender's clock.
LIVE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, in one shape for every sender. `pointer` is where it stood in the body."""

    name: str
    at: datetime
    pointer: str
    id: str = ""
    actor: str | None = None
    customer: str | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    # Not a thing that happened but upkeep of the sender's own: no one needs to claim it.
    is_upkeep: bool = False

    def as_json(self) -> dict[str, Any]:
        """What rules are evaluated over."""
        return {
            "id": self.id,
            "name": self.name,
            "actor": self.actor,
            "customer": self.customer,
            "at": self.at.isoformat().replace("+00:00", "Z"),
            "properties": self.properties,
        }


@dataclass(frozen=True, slots=True)
class Evaluations:
    """How often a toggle was found on and off since the report before."""

    item: str
    at: datetime
    on: int
    off: int
    pointer: str


@dataclass(frozen=True, slots=True)
class IssueMove:
    """An issue of a tracker came to stand elsewhere; `phase` is new, indeterminate or done."""

    issue: str
    phase: str
    at: datetime
    url: str
    pointer: str


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue that may be evidence: `name` is its external id, `problems` the keys of those it names itself.

    `says` is an evidence row without its problem; None when the issue is gone.
    """

    name: str
    at: datetime
    problems: tuple[str, ...]
    title: str
    text: str
    says: dict[str, Any] | None
    pointer: str


@dataclass(slots=True)
class EventBody(NativeBody):
    """What a body of an event kind states, beside rows it states directly."""

    rows: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in ROW_KINDS})
    events: list[Event] = field(default_factory=list)
    evaluations: list[Evaluations] = field(default_factory=list)
    moves: list[IssueMove] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)

    def refuse(self, pointer: str, code: str, detail: str) -> None:
        self.refusals.append(Refusal(pointer, code, detail))

    def evaluated(
        self, item: str, at: datetime | None, on: int, off: int, pointer: str, *, now: datetime
    ) -> None:
        """Add a toggle's counts, or refuse them for their time as any row is; None is a time nobody can read."""
        if at is None:
            self.refuse(pointer, "bad_value", "The counts' time is no instant.")
            return
        try:
            check_instant("the counts' time", at, now)
        except RowRefused as refused:
            self.refuse(pointer, refused.code, str(refused))
        else:
            self.evaluations.append(Evaluations(item, at, on, off, pointer))


def read_json(body: bytes) -> Any:
    """Return the value a body stands for. Raises BodyRefused for what is no JSON or nested too deep."""
    check_depth(body)
    try:
        return json.loads(unmarked(body).decode("utf-8"), parse_constant=_no_number, parse_int=_integer)
    except UnicodeDecodeError as error:
        raise BodyRefused("The body is not UTF-8.") from error
    except (ValueError, RecursionError) as error:
        raise BodyRefused(f"The body is not JSON: {str(error)[:200]}.") from error


def _no_number(name: str) -> float:
    # Kept as what it is: the row that uses it is refused, the others are taken.
    return float(name.replace("Infinity", "inf"))


# Kept digit by digit: libraries also count people and events with 64 bits and more, and as floats two would be one.
# Of more digits no double is made, so whatever reckons with it refuses it.
_MOST_EXACT_DIGITS = 300


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MOST_EXACT_DIGITS else float(digits)


def objects(value: Any, pointer: str, body: EventBody) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each storable object of a list and where it stands; what is none is refused by itself."""
    if not isinstance(value, list):
        body.refuse(pointer, "not_a_list", "There must be a list of events here.")
        return
    if len(value) > MAX_EVENTS:
        raise BodyRefused(f"More than {MAX_EVENTS} events in one delivery.")
    for index, entry in enumerate(value):
        where = f"{pointer}/{index}"
        body.row_count += 1
        if not isinstance(entry, dict):
            body.refuse(where, "bad_value", "An event must be a JSON object.")
        elif reason := unstorable(entry):
            body.refuse(where, "bad_value", reason)
        else:
            yield where, entry


def unstorable(value: Any) -> str:
    """Say why a value cannot be kept or matched; empty when it can."""
    waiting = [value]
    count = 0
    while waiting:
        found = waiting.pop()
        count += 1
        if count > MAX_EVENT_NODES:
            return f"An event may hold at most {MAX_EVENT_NODES} values."
        if isinstance(found, dict):
            waiting.extend(found)
            waiting.extend(found.values())
        elif isinstance(found, list):
            waiting.extend(found)
        elif isinstance(found, float) and not math.isfinite(found):
            return "A number must be finite."
        elif isinstance(found, str) and (reason := _unstorable_text(found)):
            return reason
    return ""


def _unstorable_text(text: str) -> str:
    if "\x00" in text:
        return "A text holds the character NUL."
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            return "A text holds half of a surrogate pair."
    return ""


def text_of(value: Any) -> str:
    """A name or an id as text: senders also use numbers for them. Empty for everything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None or not isinstance(value, (int, float)):
        return ""
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def first_text(*values: Any) -> str | None:
    """The first value that names something."""
    return next((text for value in values if (text := text_of(value))), None)


_FRACTION = re.compile(r"(\.\d{1,6})\d*")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# From this size on a number since 1970 is in a unit of so many to the second.
_UNITS = ((10**17, 10**9), (10**14, 10**6), (10**11, 10**3), (0, 1))
# Nanoseconds of the year 5138.
_MOST_SINCE_1970 = 10**20
_MOST_DIGITS = 20


def instant(value: Any) -> datetime | None:
    """Return the instant (aware, UTC) a sender means, or None when it cannot be read.

    RFC 3339 with up to nine digits of a second, UTC where no offset is given; or a number since 1970 in seconds,
    milliseconds, microseconds or nanoseconds, told apart by its size (each is right from 1971 to 5138). What is
    finer than a microsecond is cut off: rounded up, the last instant of a day would be one of the next.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        stripped = value.strip()
        if stripped.isascii() and stripped.isdigit() and len(stripped) >= 9:
            # Counted before it is converted: thousands of digits would be refused by Python itself.
            return instant(int(stripped)) if len(stripped) <= _MOST_DIGITS else None
        try:
            read = datetime.fromisoformat(_FRACTION.sub(r"\1", stripped, count=1))
        except ValueError:
            return None
        read = read if read.tzinfo else read.replace(tzinfo=UTC)
        return _utc(read)
    if isinstance(value, (int, float)) and abs(value) < _MOST_SINCE_1970:
        return _since_1970(value)
    return None


def _since_1970(value: float) -> datetime | None:
    per_second = next(unit for least, unit in _UNITS if abs(value) >= least)
    # By the digits that were written, which a float's arithmetic would not keep.
    written = value if isinstance(value, int) else Decimal(repr(value))
    try:
        return _EPOCH + timedelta(microseconds=math.floor(written * 1_000_000 / Decimal(per_second)))
    except OverflowError:
        return None


def _utc(read: datetime) -> datetime | None:
    try:
        return read.astimezone(UTC)
    except OverflowError:
        return None


def nanoseconds(value: Any) -> datetime | None:
    """The instant of a count of nanoseconds since 1970, also written as text; None for 0 or what is no count."""
    if isinstance(value, bool):
        return None
    try:
        count = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if not 0 < count < 2**63:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=count // 1000)


@dataclass(frozen=True, slots=True)
class Clock:
    """A sender's clock, judged by when it says that it sent and when that came in."""

    sent_at: datetime | None
    received_at: datetime

    @property
    def stated_at(self) -> datetime | None:
        """When the sender stated this: its own word while its clock is sane, else when it came in."""
        if self.sent_at is None or abs(self.received_at - self.sent_at) > TOLERATED_SKEW:
            return None
        return self.sent_at

    def right(self, at: datetime) -> datetime:
        """Correct an event's time by what the clock is off, in whole minutes.

        Whole minutes, so that a batch sent again, some seconds later, states the same times. Times far before
        the sending were not read off that clock and stay.
        """
        if self.sent_at is None or abs(self.sent_at - at) > LIVE:
            return at
        skew = self.received_at - self.sent_at
        if abs(skew) <= TOLERATED_SKEW:
            return at
        return at + timedelta(minutes=round(skew / timedelta(minutes=1)))


def number(value: Any) -> float | None:
    """A finite number, also written as text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        read = float(value)
    except (ValueError, OverflowError):
        return None
    return read if math.isfinite(read) else None


def count(value: Any) -> int:
    """How often, as senders write it: a whole number from 0 up; anything else counts as none."""
    read = number(value)
    return int(read) if read is not None and 0 <= read < 2**53 else 0


def label_of(labels: Iterable[tuple[str, Any]]) -> str:
    """A series label from named labels, in one order whatever order they came in; at most 200 characters."""
    text = ",".join(f"{name}={_label_text(value)}" for name, value in sorted(labels, key=itemgetter(0)))
    if len(text) <= 200:
        return text
    return f"{text[:160]}~{_short_hash(text)}"


def _label_text(value: Any) -> str:
    """One text for one value, whatever it came packed in: lists, objects and booleans as compact JSON, by name."""
    if isinstance(value, (list, dict, bool)) or value is None:
        return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text_of(value)


def _plain(value: Any) -> Any:
    """The same with whole floats as integers: senders write 1.0 as 1."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _short_hash(text: str) -> str:
    # A hash of halves of surrogate pairs is as good as any; whether a text can be kept is asked elsewhere.
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def day_of(value: Any) -> date | None:
    """The day of an instant, in UTC."""
    at = instant(value)
    return None if at is None else at.date()
