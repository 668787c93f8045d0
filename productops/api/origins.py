"""Origins as browsers say them: a scheme, a host and a port that is not the scheme's own. Knows no Django."""

from __future__ import annotations

from urllib.parse import urlsplit

_USUAL_PORT = {"http": 80, "https": 443}


def exact_origin(text: str) -> str:
    """Return the origin as a browser writes it; raises ValueError for anything that is not exactly one."""
    parts = urlsplit(text.strip())
    is_bare = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme not in _USUAL_PORT or not parts.hostname or "*" in parts.hostname or not is_bare:
        raise ValueError(f"{text!r} is not an origin such as https://app.example.com")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in (None, _USUAL_PORT[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
