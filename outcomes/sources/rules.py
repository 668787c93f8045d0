"""Rules: what an event means, said in JMESPath over the event. Pure; bounded in what one evaluation can cost.

JMESPath has no loops and no variables, so a short expression over a bounded event is cheap, except that lists of
lists can be flattened again and again, doubling each time: how many lists one expression may build is limited.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions

from outcomes.sources.bodies import Refusal, Unclaimed
from outcomes.sources.native import state_row
from outcomes.sources.reading import Event, EventBody, instant, number, text_of

TARGETS = ("observation", "usage")
MAX_LENGTH = 1000
MAX_PARTS = 80
MAX_DEPTH = 24
MAX_LISTS = 2
# What evaluating over an event can come to: functions of the library also compute, and not with every number.
_FAILURES = (JMESPathError, ArithmeticError, ValueError, TypeError)
# Fields of a rule that hold an expression.
EXPRESSIONS = ("match", "item_key", "metric_key", "value", "actor", "customer", "series", "at", "id")


class BadExpression(ValueError):
    """An expression that is not JMESPath, or larger than one may be; the message says why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What events that match become. Blank expressions stand for the event's own actor, customer, at and id.

    `item` and `metric` are keys; `item_key` and `metric_key` expressions that give one. An observation without
    `value` counts 1.
    """

    match: str
    to: str
    item: str = ""
    item_key: str = ""
    metric: str = ""
    metric_key: str = ""
    value: str = ""
    actor: str = ""
    customer: str = ""
    series: str = ""
    at: str = ""
    id: str = ""


def compiled(expression: str) -> Any:
    """Return the expression, ready to be searched with. Raises BadExpression."""
    if len(expression) > MAX_LENGTH:
        raise BadExpression(f"An expression may be {MAX_LENGTH} characters long.")
    try:
        found = jmespath.compile(expression)
    except (JMESPathError, ValueError, RecursionError) as error:
        raise BadExpression(f"Not a JMESPath expression: {str(error).splitlines()[0][:200]}") from error
    _refuse_large(found.parsed)
    return found


def _refuse_large(parsed: Mapping[str, Any]) -> None:
    waiting = [(parsed, 1)]
    parts = lists = 0
    while waiting:
        node, depth = waiting.pop()
        parts += 1
        if node["type"] == "function_expression":
            _refuse_impossible_call(node)
        lists += node["type"] in ("multi_select_list", "multi_select_dict")
        if parts > MAX_PARTS or depth > MAX_DEPTH:
            raise BadExpression(f"An expression may have {MAX_PARTS} parts, nested {MAX_DEPTH} deep.")
        if lists > MAX_LISTS:
            raise BadExpression(f"An expression may build {MAX_LISTS} lists.")
        waiting.extend((child, depth + 1) for child in node.get("children", ()) if isinstance(child, dict))


def _refuse_impossible_call(node: Mapping[str, Any]) -> None:
    """Refuse a call that can never work, which the library finds out only in a worker, when it calls."""
    name, given = str(node["value"])[:100], node["children"]
    if name not in Functions.FUNCTION_TABLE:
        raise BadExpression(f"There is no function {name!r} in JMESPath.")
    signature = Functions.FUNCTION_TABLE[name]["signature"]
    has_more = bool(signature) and bool(signature[-1].get("variadic"))
    if len(given) < len(signature) or (len(given) > len(signature) and not has_more):
        least = "at least " if has_more else ""
        raise BadExpression(f"{name}() takes {least}{len(signature)} arguments, not {len(given)}.")
    for place, argument in enumerate(given):
        taken = {kind.split("-")[0] for kind in signature[min(place, len(signature) - 1)]["types"]}
        if argument["type"] == "literal" and taken and _kind_of(argument["value"]) not in taken:
            wanted = " or ".join(sorted(taken))
            raise BadExpression(f"{name}() takes {wanted}, never {_kind_of(argument['value'])}.")


def _kind_of(literal: Any) -> str:
    """The type of a literal, as JMESPath calls it."""
    if isinstance(literal, bool):
        return "boolean"
    kinds = {str: "string", int: "number", float: "number", list: "array", dict: "object"}
    return kinds.get(type(literal), "null")


_compiled = lru_cache(maxsize=2000)(compiled)


def problems_with(fields: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return (field, code, words) for everything that is wrong with a rule's fields."""
    problems = []
    for name in EXPRESSIONS:
        if expression := fields.get(name, ""):
            try:
                compiled(expression)
            except BadExpression as bad:
                problems.append((name, "invalid", str(bad)))
    if not fields.get("match"):
        problems.append(
            ("match", "required", "Say which events are meant, such as name == 'Order Completed'.")
        )
    to = fields.get("to")
    if to not in TARGETS:
        problems.append(("to", "invalid_choice", f"Must be one of {', '.join(TARGETS)}."))
        return problems
    wanted, other = ("metric", "item") if to == "observation" else ("item", "metric")
    has_key, has_expression = bool(fields.get(wanted)), bool(fields.get(f"{wanted}_key"))
    if has_key and has_expression:
        detail = f"The {wanted} is named already; leave out either {wanted} or {wanted}_key."
        problems.append((f"{wanted}_key", "ambiguous", detail))
    elif not has_key and not has_expression:
        problems.append(
            (wanted, "required", f"Name the {wanted}, or give an expression for it in {wanted}_key.")
        )
    unused = (other, f"{other}_key", *(("value", "series") if to == "usage" else ("actor", "customer")))
    for name in unused:
        if fields.get(name):
            problems.append((name, "not_used", f"Means nothing in a rule that makes an {to}."))
    return problems


def apply(rules: Sequence[Rule], body: EventBody, *, now: datetime) -> None:
    """Turn a body's events into rows; an event that no rule matches is refused as unclaimed.

    A row has the number of its event, whatever rules there are: read again by other rules, an event states
    nothing more than it did about what it has stated before.
    """
    for place, event in enumerate(body.events):
        seen = event.as_json()
        matched = [rule for rule in rules if _matches(rule, seen)]
        for rule in matched:
            section, fields, complaint = row_of(rule, event, seen)
            if complaint:
                body.refuse(event.pointer, "bad_value", complaint)
            else:
                state_row(body, section, event.pointer, fields, now=now, number=place)
        if not matched and not event.is_upkeep:
            body.refusals.append(_unclaimed(event))


def row_of(rule: Rule, event: Event, seen: Mapping[str, Any]) -> tuple[str, dict[str, Any], str]:
    """Return (section, fields, complaint) of the row that a rule makes of an event."""
    try:
        at = instant(_found(rule.at, seen)) if rule.at else event.at
        if at is None:
            return "", {}, "The expression for at gives no instant."
        id_ = text_of(_found(rule.id, seen)) if rule.id else event.id
        if rule.to == "usage":
            return "usage", _usage(rule, event, seen, at, id_), ""
        value = number(_found(rule.value, seen)) if rule.value else 1.0
        if value is None:
            return "", {}, "The expression for value gives no number."
        fields = {
            "metric": text_of(_found(rule.metric_key, seen)) if rule.metric_key else rule.metric,
            "series": text_of(_found(rule.series, seen)) if rule.series else "",
            "at": apart(at, id_),
            "value": value,
        }
        return "observations", fields, ""
    except _FAILURES as error:
        return "", {}, f"A rule could not be evaluated: {str(error).partition(chr(10))[0][:200]}"


def _usage(rule: Rule, event: Event, seen: Mapping[str, Any], at: datetime, id_: str) -> dict[str, Any]:
    customer = text_of(_found(rule.customer, seen)) if rule.customer else event.customer
    fields: dict[str, Any] = {
        "item": text_of(_found(rule.item_key, seen)) if rule.item_key else rule.item,
        "actor": text_of(_found(rule.actor, seen)) if rule.actor else (event.actor or ""),
        "at": at,
    }
    if id_:
        # A longer one is named by its hash, so that two of them stay two.
        fields["id"] = id_ if len(id_) <= 180 else blake2b(id_.encode(), digest_size=16).hexdigest()
    if customer:
        fields["customer"] = customer
    return fields


def apart(at: datetime, event_id: str) -> datetime:
    """Move an event within the smallest unit its time was told in, by its id.

    An observation is known by metric, series and instant; two orders within one millisecond are two, and the
    same order told twice is one.
    """
    if not event_id:
        return at
    spread = 1_000_000 if at.microsecond == 0 else 1_000 if at.microsecond % 1_000 == 0 else 0
    if not spread:
        return at
    offset = int.from_bytes(blake2b(event_id.encode(), digest_size=8).digest(), "big") % spread
    return at.astimezone(UTC) + timedelta(microseconds=offset)


def _matches(rule: Rule, seen: Mapping[str, Any]) -> bool:
    try:
        found = _compiled(rule.match).search(seen)
    except _FAILURES:
        # Such as starts_with() of something that is no text: then the event is not the one that is meant.
        return False
    return found is not None and found is not False and found != "" and found != [] and found != {}


def _found(expression: str, seen: Mapping[str, Any]) -> Any:
    return _compiled(expression).search(seen)


def _unclaimed(event: Event) -> Refusal:
    name = event.name[:200]
    sample = {"name": name, "properties": event.properties}
    return Refusal(
        event.pointer,
        "unclaimed_event",
        f"No rule says what {name!r} means.",
        Unclaimed("event", name, event.at, sample),
    )
