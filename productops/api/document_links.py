"""Links of the OpenAPI document: what can be done next with what was made, edited or put away."""

from __future__ import annotations

from typing import Any

_MADE, _ASKED = "$response.body#/id", "$request.path.id"
# By action: the status that says it was done, where the id is, and what can be done next.
_NEXT: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "create": ("201", _MADE, ("retrieve", "update", "partial_update", "destroy")),
    "update": ("200", _ASKED, ("retrieve", "partial_update", "destroy")),
    "partial_update": ("200", _ASKED, ("retrieve", "update", "destroy")),
    "destroy": ("204", _ASKED, ("restore",)),
    "restore": ("200", _ASKED, ("retrieve", "partial_update", "destroy")),
}
_BY_VERSION = ("update", "partial_update", "destroy")
# REST framework's verb for an action is the method's.
_SUFFIX = {"restore": "restore_create"}


def links_after(view: Any, path: str, operation_id: str) -> tuple[str, dict[str, Any]]:
    """The status of an operation that did something to one object, and its links: by the object's id, and on the
    version that was shown. None for what is beneath another object, and for everything else."""
    action = getattr(view, "action", None) or ""
    suffix = _SUFFIX.get(action, action)
    is_alone = path.count("{") == (0 if action == "create" else 1)
    if action not in _NEXT or not is_alone or not operation_id.endswith(f"_{suffix}"):
        return "", {}
    status, id_, following = _NEXT[action]
    noun = operation_id.removesuffix(f"_{suffix}")
    return status, {name: _link(noun, name, id_) for name in following if hasattr(view, name)}


def _link(noun: str, action: str, id_: str) -> dict[str, Any]:
    version = {"header.If-Match": "$response.header.ETag"} if action in _BY_VERSION else {}
    return {"operationId": f"{noun}_{_SUFFIX.get(action, action)}", "parameters": {"id": id_, **version}}
