"""Whether a body is whole, told by what it says: of one in chunks a broken connection can feign the end. Pure."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import parse_qsl

from outcomes.sources.nesting import is_closed

_FORM = "application/x-www-form-urlencoded"


def is_evidently_whole(body: bytes, content_type: str) -> bool:
    """Whether nothing can be missing at the end: a JSON document that closes what it opened, also within a form.

    False for what has no end of its own, such as lines or protobuf, and for nothing at all.
    """
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
