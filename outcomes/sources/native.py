"""The native body, row by row: each row is taken or refused on its own, with a reason.

Pure: bytes in, typed rows and refusals out. Shapes and identities are those of the webhook's documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from outcomes.sources.bodies import BodyRefused, NativeBody, Numbered, Refusal, unmarked
from outcomes.sources.escapes import plainly
from outcomes.sources.nesting import check_depth
from outcomes.sources.repeats import Twice, loads, may_repeat
from outcomes.sources.row_checks import MAX_AHEAD, RowRefused, are_clean, check, check_day
from outcomes.sources.rows import ROW_KINDS, SECTIONS, Instant, R, Row


def read(body: bytes, *, now: datetime) -> NativeBody:
    """Return the rows of a body and what was refused. Raises BodyRefused when it is no native body at all."""
    document = _document(cut_instants(unmarked(body)))
    read_body = NativeBody()
    read_body.sent_at = _sent_at(document.pop("sent_at", None), now)
    _read_covers(document.pop("covers", None), read_body, now)
    for name in SECTIONS:
        section = document.pop(name, None)
        rows = _whole(section, name)
        if rows is not None and are_clean(rows, now):
            read_body.take(name, rows)
            continue
        for pointer, raw in _entries(section, name, read_body):
            add_row(read_body, name, pointer, raw, now=now)
    for name in document:
        detail = f"{name!r} is not a part of the body this source can state."
        place = name.replace("~", "~0").replace("/", "~1")
        read_body.refusals.append(Refusal(f"/{place}", "unknown_section", detail))
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
        row = _row(raw, ROW_KINDS[section])
        check(row, now)
    except RowRefused as refused:
        body.refusals.append(Refusal(pointer, refused.code, str(refused)))
    else:
        body.rows[section].append(Numbered(row, pointer, body.row_count if number is None else number))


# An instant finer than a microsecond. A quote within a text is escaped, so no text holds such a member.
_FINE = re.compile(rb'("(?:at|sent_at)"\s*+:\s*+"[^"\\.]{1,40}\.\d{6})\d++')
_MAY_BE_FINE = re.compile(rb"\.\d{7}")


def cut_instants(body: bytes) -> bytes:
    """Cut off what of a body's instants is finer than a microsecond, which the decoder would round.

    Rounded up, the last instant of a day would be one of the next, and one row would correct another.
    """
    plain = plainly(body)
    return _FINE.sub(rb"\1", plain) if _MAY_BE_FINE.search(plain) else plain


_OUTER = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_DECODERS: dict[type[Row], Any] = {kind: msgspec.json.Decoder(kind) for kind in SECTIONS.values()}
_LIST_DECODERS: dict[str, Any] = {
    name: msgspec.json.Decoder(list.__class_getitem__(kind)) for name, kind in SECTIONS.items()
}


def _document(body: bytes) -> dict[str, Any]:
    """The outermost object. Rows come raw when the body is clean JSON, else decoded leniently.

    The lenient path exists so that one NaN, lone surrogate or name that occurs twice refuses its own row, not a
    thousand good ones.
    """
    check_depth(body)
    raw = _raw_document(body)
    if raw is not None and not may_repeat(body):
        return raw
    try:
        document, is_repeating = loads(body)
    except (ValueError, RecursionError) as error:
        if raw is not None:
            # Something within a row, which is refused for it alone.
            return raw
        if isinstance(error, UnicodeDecodeError):
            raise BodyRefused("The body is not UTF-8.") from error
        raise BodyRefused(f"The body is not JSON: {str(error)[:200]}.") from error
    if not isinstance(document, dict):
        raise BodyRefused("The body must be a JSON object.")
    if isinstance(document, Twice):
        raise BodyRefused(document.complaint())
    return document if raw is None or is_repeating else raw


def raw_unless_repeating(row: bytes) -> Any:
    """A row as the bytes that state it; as Twice when a name occurs twice in it, so that it is refused."""
    if may_repeat(row):
        try:
            told, is_repeating = loads(row)
        except (ValueError, RecursionError):
            return msgspec.Raw(row)
        if is_repeating:
            return told
    return msgspec.Raw(row)


def _raw_document(body: bytes) -> dict[str, Any] | None:
    try:
        return dict(_OUTER.decode(body))
    except (msgspec.MsgspecError, RecursionError):
        return None


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


def _whole(section: Any, name: str) -> list[Row] | None:
    """The rows of a section whose every row has its shape, read at once; None when there may be others."""
    if not isinstance(section, msgspec.Raw):
        return None
    try:
        rows: list[Row] = _LIST_DECODERS[name].decode(section)
    except (msgspec.MsgspecError, UnicodeError, OverflowError, ValueError):
        return None
    return rows


def _row(raw: Any, kind: type[R]) -> R:
    if isinstance(raw, kind):
        return raw
    if isinstance(raw, Twice):
        raise RowRefused("bad_value", raw.complaint())
    try:
        if isinstance(raw, msgspec.Raw):
            return _DECODERS[kind].decode(raw)
        return msgspec.convert(raw, kind, strict=True)
    except msgspec.ValidationError as error:
        detail = str(error)
        code = "unknown_field" if "unknown field" in detail else "bad_value"
        if "missing required field" in detail:
            code = "required"
        raise RowRefused(code, detail) from error
    except (msgspec.MsgspecError, UnicodeError, OverflowError, ValueError) as error:
        raise RowRefused("bad_value", str(error)) from error


def _sent_at(raw: Any, now: datetime) -> datetime | None:
    if raw is None or (isinstance(raw, msgspec.Raw) and bytes(raw) == b"null"):
        return None
    try:
        sent_at = (
            msgspec.json.decode(raw, type=Instant)
            if isinstance(raw, msgspec.Raw)
            else msgspec.convert(raw, Instant)
        ).astimezone(UTC)
    except (msgspec.MsgspecError, UnicodeError, OverflowError) as error:
        raise BodyRefused(f"sent_at must be an RFC 3339 instant: {error}.", "sent_at") from error
    if sent_at > now + MAX_AHEAD:
        # It decides which statement wins; one from next year would win for ever.
        raise BodyRefused("sent_at lies more than 24 hours ahead.", "sent_at")
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
            check_day("covers", day, now)
        except (msgspec.MsgspecError, UnicodeError) as error:
            read_body.refusals.append(Refusal(pointer, "bad_value", str(error)))
        except RowRefused as refused:
            read_body.refusals.append(Refusal(pointer, refused.code, str(refused)))
        else:
            read_body.covers.append(day)
