"""The values of OpenTelemetry's attributes: from JSON and from protobuf the same plain ones. Pure."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterable
from typing import Any

from outcomes.sources.reading import number, text_of


def json_attributes(listed: Any) -> dict[str, Any]:
    """Plain values by name from a list of attributes in JSON; what is no attribute is passed over."""
    return {name: "" if value is None else value for name, value in _json_pairs(listed).items()}


def protobuf_attributes(attributes: Iterable[Any]) -> dict[str, Any]:
    """Plain values by name from the attributes of a message."""
    plain = {attribute.key: _protobuf_value(attribute.value) for attribute in attributes}
    return {name: "" if value is None else value for name, value in plain.items()}


def _json_pairs(listed: Any) -> dict[str, Any]:
    pairs = [entry for entry in _list(listed) if isinstance(entry, dict)]
    return {text_of(pair.get("key")): _json_value(pair.get("value")) for pair in pairs}


def _json_value(value: Any) -> Any:
    if not isinstance(value, dict):
        return None
    kind = next((kind for kind in _FROM_JSON if value.get(kind) is not None), None)
    return None if kind is None else _FROM_JSON[kind](value[kind])


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _inner(holder: Any) -> list[Any]:
    return _list(holder.get("values")) if isinstance(holder, dict) else []


def _integer(value: Any) -> Any:
    """JSON writes 64 bits as text."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return _scalar(value)


def _double(value: Any) -> Any:
    """A finite number, else the name that JSON has for it."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    read = number(value)
    return _scalar(value) if read is None else read


def _scalar(value: Any) -> Any:
    """What it is, if it is one value: a sender may have written anything here."""
    return None if isinstance(value, (list, dict)) else value


def _bytes(value: Any) -> Any:
    """Base64 in one notation of the four that JSON may have it in."""
    if not isinstance(value, str):
        return _scalar(value)
    standard = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64encode(
            base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
        ).decode()
    except (binascii.Error, ValueError):
        return value


_FROM_JSON = {
    "stringValue": _scalar,
    "boolValue": _scalar,
    "intValue": _integer,
    "doubleValue": _double,
    "arrayValue": lambda array: [_json_value(value) for value in _inner(array)],
    "kvlistValue": lambda pairs: _json_pairs(_inner(pairs)),
    "bytesValue": _bytes,
}


def _protobuf_value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind in ("string_value", "bool_value", "int_value"):
        return getattr(value, kind)
    if kind == "double_value":
        return _double(value.double_value)
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    if kind == "array_value":
        return [_protobuf_value(inner) for inner in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: _protobuf_value(pair.value) for pair in value.kvlist_value.values}
    return None
