"""How a body's brackets stand: how deep it is nested, told before any parser recurses into it, and whether it ends."""

from __future__ import annotations

import re

from outcomes.sources.bodies import BodyRefused

MAX_DEPTH = 32

# One that never ends goes to the end of the body: tried anew at each of its quotes, it would take quadratic time.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
# Beyond this many, the pieces themselves would take more memory than the body.
_MOST_PIECES = 200_000
# Either kind of bracket opens and closes a level.
_ALIKE = bytes.maketrans(b"{}", b"[]")
_OPEN = ord("[")
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def check_depth(body: bytes) -> None:
    """Refuses nesting beyond MAX_DEPTH before any parser recurses into it."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    brackets = left = outside_strings(body).translate(_ALIKE, _NOT_BRACKETS)
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


def is_closed(body: bytes) -> bool:
    """Whether JSON that begins with a bracket ends with the one that closes it, so that nothing is cut off."""
    if body[:1] not in (b"{", b"["):
        return False
    brackets = outside_strings(body).translate(_ALIKE, _NOT_BRACKETS)
    return brackets.count(b"[") == brackets.count(b"]")


def outside_strings(body: bytes) -> bytes:
    """What of a body of JSON stands in no string."""
    if b"\\" not in body and body.count(b'"') < _MOST_PIECES:
        # Nothing is escaped, so every other stretch between quotes is a string.
        return b"".join(body.split(b'"')[::2])
    return _STRING.sub(b"", body)
