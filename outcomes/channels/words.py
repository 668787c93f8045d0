"""What happened, in the words that people read in Slack and in mails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST_TITLE = 150


@dataclass(frozen=True, slots=True)
class Told:
    """One line that says it all, and lines that say more."""

    headline: str
    lines: tuple[str, ...] = ()


def told_of(payload: Mapping[str, Any]) -> Told:
    """Put the payload of an occurrence into words."""
    return _TOLD[payload["type"]](payload["data"])


def counted(counts: Mapping[str, int]) -> str:
    """`2 under used, 1 declining`; blank when there are none."""
    return ", ".join(f"{number} {_plain(reason)}" for reason, number in sorted(counts.items()) if number)


def _flag_opened(data: Mapping[str, Any]) -> Told:
    flag = data["flag"]
    lines = [f"Recommended: {_plain(flag['recommendation'])}."] if flag["recommendation"] else []
    return Told(f"{_subject(flag)}: {_plain(flag['reason'])}", tuple(lines))


def _flag_resolved(data: Mapping[str, Any]) -> Told:
    flag = data["flag"]
    return Told(f"{_subject(flag)}: no longer {_plain(flag['reason'])} ({flag['resolved_cause']})")


def _value_changed(data: Mapping[str, Any]) -> Told:
    before, after = _number(data["before"]), _number(data["after"])
    return Told(f"{_title(data['item'])}: proven value {before} → {after}")


def _outcome_met(data: Mapping[str, Any]) -> Told:
    return Told(f"{_title(data['item'])}: {data['outcome']['metric']} reached its target", _standing(data))


def _outcome_missed(data: Mapping[str, Any]) -> Told:
    outcome = data["outcome"]
    return Told(f"{_title(data['item'])}: {outcome['metric']} missed its target", _standing(data))


def _effect_decided(data: Mapping[str, Any]) -> Told:
    effect = data["effect"]
    interval = f"{_number(effect['low'])} to {_number(effect['high'])}"
    line = f"Estimate {_number(effect['estimate'])} ({interval}), by {_plain(effect['design'])}."
    return Told(
        f"{_title(data['item'])}: {effect['metric']} is {effect['verdict'] or 'not comparable'}", (line,)
    )


def _source_stale(data: Mapping[str, Any]) -> Told:
    days = f"Its newest day is {data['newest_on']}, {data['days_since']} days ago."
    return Told(f"{_cut(data['source']['name'])} has gone silent", (days,))


def _item_released(data: Mapping[str, Any]) -> Told:
    return Told(f"{_title(data['item'])} was released", (f"On {data['item']['released_on']}.",))


def _flags_digest(data: Mapping[str, Any]) -> Told:
    opened, resolved = counted(data["opened"]), counted(data["resolved"])
    lines = [f"Opened: {opened}." if opened else "", f"Resolved: {resolved}." if resolved else ""]
    return Told(f"Everything was judged anew ({_plain(data['kind'])})", tuple(line for line in lines if line))


def _digest(data: Mapping[str, Any]) -> Told:
    delta = data["opened_count"] - data["resolved_count"]
    total = f"{data['total']} flags stand, {delta:+d} since {data['since'][:10]}"
    by_reason = counted(data["by_reason"])
    more = [f"… and {data['more']} more."] if data["more"] else []
    return Told(
        total,
        (
            *([f"By reason: {by_reason}."] if by_reason else []),
            *(f"- {said}" for said in data["news"]),
            *more,
        ),
    )


def _test(data: Mapping[str, Any]) -> Told:
    return Told(f"A test of {_cut(data['endpoint']['name'])}", ("It works.",))


def _disabled(data: Mapping[str, Any]) -> Told:
    why = {
        "gone": "It answered 410: it wants no more.",
        "failing": f"Every attempt since {data['failing_since']} has failed.",
    }[data["reason"]]
    more = "Nothing is sent to it until somebody enables it again."
    return Told(f"The endpoint {_cut(data['endpoint']['name'])} was disabled", (why, more))


_TOLD: Mapping[str, Callable[[Mapping[str, Any]], Told]] = {
    "flag.opened": _flag_opened,
    "flag.resolved": _flag_resolved,
    "value.changed": _value_changed,
    "outcome.met": _outcome_met,
    "outcome.missed": _outcome_missed,
    "effect.decided": _effect_decided,
    "source.stale": _source_stale,
    "item.released": _item_released,
    "flags.digest": _flags_digest,
    "digest": _digest,
    "endpoint.test": _test,
    "endpoint.disabled": _disabled,
}


def _subject(flag: Mapping[str, Any]) -> str:
    item, outcome, source = flag["item"], flag["outcome"], flag["source"]
    if item is None:
        return _cut(source["name"]) if source else "A flag"
    return _title(item) + (f", {outcome['metric']}" if outcome else "")


def _standing(data: Mapping[str, Any]) -> tuple[str, ...]:
    outcome = data["outcome"]
    current, target = _number(outcome["current"]), _number(outcome["target"])
    due = f", due {outcome['due_on']}" if outcome["due_on"] else ""
    return (f"It is at {current}, the target is {target}{due}.",)


def _title(item: Mapping[str, Any]) -> str:
    return _cut(item["title"])


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_TITLE else f"{line[: _LONGEST_TITLE - 1]}…"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"


def _plain(word: str) -> str:
    return word.replace("_", " ")
