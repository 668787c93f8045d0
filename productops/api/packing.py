"""Unpacking what a sender packed, without unfolding a bomb. Knows no Django."""

from __future__ import annotations

import gzip
import zlib
from io import BytesIO

# How a part begins, which chance writes once in sixteen million bytes. Each part costs, however little is in it.
_BEGINNING = b"\x1f\x8b\x08"
_MOST_PARTS = 1_000


class CannotUnpack(ValueError):
    """The bytes are no gzip, or of more parts than are taken."""


class EndsTooSoon(CannotUnpack):
    """They are the beginning of gzip."""


class UnpacksTooLarge(CannotUnpack):
    """They unpack to more than is taken."""


def unpack(data: bytes, limit: int) -> bytes:
    """Return what gzip packed, in one part or in several behind each other, to at most `limit` bytes.

    Raises CannotUnpack, also for what is no gzip behind the last part: a part that is passed over is lost.
    """
    if data.count(_BEGINNING) > _MOST_PARTS:
        raise CannotUnpack
    try:
        with gzip.GzipFile(fileobj=BytesIO(data)) as packed:
            unpacked = packed.read(limit + 1)
    except EOFError:
        raise EndsTooSoon from None
    except (OSError, zlib.error):
        raise CannotUnpack from None
    if len(unpacked) > limit:
        raise UnpacksTooLarge
    return unpacked
