"""What a body of JSON writes as escapes, written plainly, for what is looked at in its bytes. Pure."""

from __future__ import annotations

import re

# What holds no escapes, and a string that does, within one line as JSON's all are. What is escaped in no string is
# no JSON, and is left to be refused. A string that never ends goes to the end of its line: tried anew at each of its
# quotes, it would take quadratic time.
_STRING = re.compile(
    rb"""((?:[^"]*+"[^"\\\n]*+")*+[^"]*+)("[^"\\\n]*+(?:\\.[^"\\\n]*+)*+(?:"|\\?(?=\n|\Z)))?"""
)
_ESCAPE = re.compile(rb"\\(?:u00([2-7][0-9a-fA-F])|.)")
_MAY_HOLD = re.compile(rb"\\u00[2-7]")
# These two mean something else when they are not escaped.
_KEPT = b'"\\'


def plainly(body: bytes) -> bytes:
    """The same document with the ASCII characters in its strings as they are."""
    return _STRING.sub(_string, body) if _MAY_HOLD.search(body) else body


def _string(found: re.Match[bytes]) -> bytes:
    return found[0] if found[2] is None else found[1] + _ESCAPE.sub(_character, found[2])


def _character(found: re.Match[bytes]) -> bytes:
    if found[1] is None:
        return found[0]
    character = bytes.fromhex(found[1].decode())
    return found[0] if character in _KEPT else character
