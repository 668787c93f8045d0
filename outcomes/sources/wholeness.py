"""Whether a body is whole, told by what it says: of one in chunks a broken connection can feign the end. Pure."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import parse_qsl

from outcomes.sources.nesting import is_closed

_FORM = "application/x-www-form-urlencoded"
PROTOBUF = ("application/x-protobuf", "application/protobuf")
# A field of bytes that says how long it is (wire type 2).
_SAYS_ITS_LENGTH = 2


def is_evidently_whole(body: bytes, content_type: str) -> bool:
    """Whether nothing can be missing at the end.

    So it is of a JSON document that closes what it opened, also within a form. In protobuf nothing that was begun
    is missing: each field is the metrics of one resource and says how long it is, and states something for itself.
    False for what has no end of its own, such as lines, and for nothing at all.
    """
    if content_type in PROTOBUF:
        return _are_fields(body)
    text = body.removeprefix(b"\xef\xbb\xbf").strip()
    if text[:1] in (b"{", b"["):
        return is_closed(text)
    if content_type not in (_FORM, ""):
        return False
    try:
        values = [value.encode() for _, value in parse_qsl(body.decode("ascii"), max_num_fields=100)]
    except ValueError:
        return False
    # Libraries send one document, as it is or in base64, and short words beside it.
    document = max(values, key=len, default=b"")
    return is_closed(document) or is_closed(_unpacked(document))


def _unpacked(value: bytes) -> bytes:
    try:
        return base64.b64decode(value, validate=True).strip()
    except (binascii.Error, ValueError):
        return b""


def is_last_line_whole(body: bytes) -> bool:
    """Whether no line is missing its end: the last one has its mark, or is an object that closes what it opened.

    What is blank behind the last mark is no line. Nothing at all is not whole.
    """
    _, mark, last = body.rpartition(b"\n")
    begun = last.removeprefix(b"\xef\xbb\xbf").strip()
    return is_closed(begun) if begun else bool(mark)


def _are_fields(body: bytes) -> bool:
    """Whether a protobuf message is one or more fields that say their length, the last of them ending where it does."""
    place = 0
    while 0 <= place < len(body):
        tag, place = _varint(body, place)
        if tag & 7 != _SAYS_ITS_LENGTH:
            return False
        length, place = _varint(body, place)
        if place > 0:
            place += length
    return place == len(body) > 0


def _varint(body: bytes, place: int) -> tuple[int, int]:
    """The number that is written there, and the place behind it; 0 and nowhere when it does not end."""
    value = 0
    for shift, byte in enumerate(body[place : place + 10]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, place + shift + 1
    return 0, -1
