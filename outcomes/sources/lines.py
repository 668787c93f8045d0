"""NDJSON: a native row on each line, its kind told by what it names. Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from outcomes.sources import native
from outcomes.sources.bodies import BodyRefused, NativeBody, Refusal, unmarked
from outcomes.sources.nesting import check_depth

CONTENT_TYPES = ("application/x-ndjson", "application/ndjson", "application/jsonl")
_NAMES = msgspec.json.Decoder(dict[str, msgspec.Raw])
# A line is a row of the first section whose fields it has.
KINDS = (("observations", {"metric"}), ("usage", {"item", "actor"}), ("snapshots", {"item", "on"}))


def read(body: bytes, *, now: datetime) -> NativeBody:
    """Return the rows of a body and what was refused; a row's pointer is the number of its line, from 0.

    Raises BodyRefused when there is no line at all or the body is nested too deep.
    """
    check_depth(body)
    whole = NativeBody()
    for number, line in enumerate(native.cut_instants(unmarked(body)).split(b"\n")):
        if line.strip():
            _add(whole, f"/{number}", line, now)
    if not whole.row_count:
        raise BodyRefused("There is no line in the body.")
    return whole


def _add(whole: NativeBody, pointer: str, line: bytes, now: datetime) -> None:
    try:
        names = set(_NAMES.decode(line))
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        detail = f"The line is no JSON object: {str(error)[:200]}."
        return _refuse(whole, Refusal(pointer, "bad_value", detail))
    section = next((name for name, needed in KINDS if needed <= names), None)
    if section is None:
        detail = "A line names a metric, an item and an actor, or an item and the day it is on."
        return _refuse(whole, Refusal(pointer, "unknown_kind", detail))
    native.add_row(whole, section, pointer, native.raw_unless_repeating(line), now=now)


def _refuse(whole: NativeBody, refusal: Refusal) -> None:
    whole.row_count += 1
    whole.refusals.append(refusal)
