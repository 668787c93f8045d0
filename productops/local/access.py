"""`var/local.env`: how people and programs get in."""

from __future__ import annotations

import http.client
import shlex
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

# Printed by `load_demo` and `demo_access`, in this order in the file.
ACCESS = (
    "PRODUCTOPS_API_KEY",
    "PRODUCTOPS_ADMIN_USER",
    "PRODUCTOPS_ADMIN_PASSWORD",
    "PRODUCTOPS_SOURCE_URL",
    "PRODUCTOPS_SOURCE_SECRET",
)


def parse_env(text: str) -> dict[str, str]:
    """`NAME=value` lines as a shell would read them; other lines are passed over."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, separator, value = line.strip().partition("=")
        if separator and name.isidentifier():
            try:
                found[name] = "".join(shlex.split(value))
            except ValueError:  # a quote without its partner: not a line of ours
                continue
    return found


def access_of(text: str) -> dict[str, str]:
    """The five values in a command's output; `{}` unless all are there."""
    found = parse_env(text)
    return {name: found[name] for name in ACCESS} if all(found.get(name) for name in ACCESS) else {}


def env_text(url: str, access: Mapping[str, str], servers: Mapping[str, str]) -> str:
    """The whole file, shell-sourceable."""
    values = {"PRODUCTOPS_URL": url, **{name: access[name] for name in ACCESS if name in access}, **servers}
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def at_address(access: Mapping[str, str], url: str) -> dict[str, str]:
    """The same access when the server has moved to another port."""
    moved = dict(access)
    if "PRODUCTOPS_SOURCE_URL" in moved:
        here = urlsplit(url)
        there = urlsplit(moved["PRODUCTOPS_SOURCE_URL"])
        moved["PRODUCTOPS_SOURCE_URL"] = urlunsplit(there._replace(scheme=here.scheme, netloc=here.netloc))
    return moved


def status_of(port: int, path: str, api_key: str | None = None) -> int | None:
    """The status our own web server answers with; None when it does not answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def summary(url: str, access: Mapping[str, str]) -> str:
    """What a person needs, on one small block."""
    rows = [("Dashboard", f"{url}/admin/"), ("API docs", f"{url}/api/docs/")]
    if access:
        login = f"{access['PRODUCTOPS_ADMIN_USER']} / {access['PRODUCTOPS_ADMIN_PASSWORD']}"
        rows.insert(1, ("Log in as", login))
        rows.append(("API key", access["PRODUCTOPS_API_KEY"]))
        rows.append(("Webhook", access["PRODUCTOPS_SOURCE_URL"]))
    lines = "\n".join(f"  {name:<10} {value}" for name, value in rows)
    return f"\nproductops is running.\n\n{lines}\n\n  All of this is in var/local.env. Ctrl-C ends it.\n"
