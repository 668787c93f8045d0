"""Errors of the OpenAPI document: what each status says, with an example, and the headers that come with it."""

from __future__ import annotations

from typing import Any

from productops.api.problems import title_of

_EXAMPLES: dict[int, tuple[str, str, list[dict[str, str]]]] = {
    400: (
        "invalid",
        "statuss: There is no such field.",
        [{"pointer": "/statuss", "code": "unknown", "detail": "There is no such field."}],
    ),
    401: ("not_authenticated", "This API key is not known, or no longer in force.", []),
    403: ("missing_scope", "This needs the scope roadmap:write.", []),
    404: ("not_found", "There is no such object here.", []),
    405: ("method_not_allowed", 'Method "PUT" not allowed.', []),
    409: (
        "taken",
        "Another item has this key.",
        [{"pointer": "/key", "code": "taken", "detail": "Another item has this key."}],
    ),
    411: ("length_required", "Send the body with its Content-Length.", []),
    412: ("stale_edit", "It has been changed since; read it again and repeat the edit.", []),
    413: ("too_large", "The body is larger than 2097152 bytes.", []),
    415: ("unsupported_media_type", 'Unsupported media type "text/plain" in request.', []),
    422: ("idempotency_key_reused", "This Idempotency-Key was used before, for another request.", []),
    428: ("if_match_required", "Send If-Match with the ETag of what you read.", []),
    429: ("too_many_requests", "More than 6000 requests in a minute.", []),
    500: ("internal", "Something went wrong here. The request id finds it in the log.", []),
    503: ("unavailable", "The database is away or busy. Nothing was done; try again.", []),
}
HEADERS_OF = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}}},
    429: {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}},
    405: {"Allow": {"schema": {"type": "string"}}},
    503: {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}},
}


def example_of(status: int) -> dict[str, Any]:
    """A problem as it is told; for a bad body also where it is bad."""
    code, detail, errors = _EXAMPLES.get(status, ("error", title_of(status), []))
    return {
        "type": f"urn:productops:problem:{code}",
        "title": title_of(status),
        "status": status,
        "detail": detail,
        "instance": "/api/v1/items/saved-carts/",
        "request_id": "5f1d7a84bc0b4d7c8f4fb1ff7f6bdc1a",
        "errors": errors,
    }
