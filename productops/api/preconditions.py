"""ETags: `"<version>.<hash of the representation>"`.

A reader compares all of it, so that a new score is a new representation; a writer the version alone, so that
a new score does not make a person's edit stale.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from rest_framework.request import Request

from productops.api.problems import Problem
from productops.api.rendering import NumbersAsNumbers

_TAG = re.compile(r'(?:W/)?"(?P<version>\d{1,10})(?:\.[0-9a-f]+)?"')
ANY = "*"


def etag_of(version: int, representation: Any) -> str:
    """The ETag of an object at `version` that is shown as `representation`."""
    text = json.dumps(representation, cls=NumbersAsNumbers, sort_keys=True, separators=(",", ":"))
    return f'"{version}.{hashlib.sha256(text.encode()).hexdigest()[:16]}"'


def is_known(request: Request, etag: str) -> bool:
    """Whether the reader already has this representation (If-None-Match), so that 304 says enough."""
    header = request.headers.get("If-None-Match", "")
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return ANY in tags or etag in tags


def expected_version(request: Request, current: int) -> int | None:
    """The version that the edit is based on (If-Match), or None when any will do (`*`).

    Raises Problem 428 without the header and 412 when `current` is none of the versions that it names. The
    answer still has to be compared in the UPDATE itself: somebody may edit in between.
    """
    header = request.headers.get("If-Match", "").strip()
    if not header:
        detail = "Send If-Match with the ETag of what you read, so that nobody's edit is overwritten."
        raise Problem(428, "if_match_required", detail)
    if header == ANY:
        return None
    matches = [_TAG.fullmatch(tag.strip()) for tag in header.split(",")]
    versions = {int(match["version"]) for match in matches if match}
    if not versions:
        detail = "If-Match holds no ETag of ours: send the one that was read as it came, in its quotes."
        raise Problem(412, "if_match_unreadable", detail)
    if current not in versions:
        raise Problem(412, "stale_edit", "It has been changed since; read it again and repeat the edit.")
    return current


def version_if_said(request: Request, held: Any, counted_by: str = "version") -> int | None:
    """The version an action is based on. An action says itself what it changes, so If-Match is optional."""
    if not request.headers.get("If-Match", "").strip():
        return None
    return expected_version(request, getattr(held, counted_by))
