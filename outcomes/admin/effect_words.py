"""What weakens an effect and what was tried on its controls, as sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.html import format_html

from outcomes.models import Effect
from productops.workspaces.admin.owned import page_url
from roadmap.admin.numbers import percent, short, words
from roadmap.models import Item

_CAVEATS = {
    "overlap": "{item} was released on {on}, inside its window, and was to move the same metric: part of this may"
    " be its doing.",
    "control_touched": "{item} was released on {on} and was to move one of its controls.",
    "control_moved": "Its control {metric} moved at the release, too: it may have been touched, and was left out.",
    "controls_not_usable": "Its controls cannot carry a comparison: they have too little data, never moved, or explain"
    " all that the metric did before.",
    "errors_remember": "Its days resemble the days before too much for so short a past: it may be chance.",
    "gaps": "Only {coverage} of its periods were reported.",
    "sample_ratio_mismatch": "People were not split as intended: whatever moved them may be what was measured.",
    "too_few": "Too few people for a verdict.",
    "not_of_one_time": "Compared as of {at}. What {later} came to later is not counted until all variants are reported"
    " for the same instant.",
    "per_person": "Told per person: its metric adds up, and nothing says from which baseline.",
    "one_period": "It rests on {on} alone: without that period nothing is left of it.",
    "too_small": "Its values are so small that a computer keeps few of their digits: give them in a smaller unit.",
    "no_noise": "Its values do not vary, so that nothing says how sure this is.",
}
_DETAILS = {
    "phi": "How much of a period's surprise stays in the next (phi)",
    "freedom": "Degrees of freedom",
    "drift": "How much the level drifts",
    "difference_in_differences": "The simple form, difference in differences",
    "p": "Chance of it without any effect",
    "split_p": "Chance of such a split",
    "experiment": "Experiment",
    "control": "Control",
    "variant": "Variant",
    "control_mean": "Mean of the control",
    "variant_mean": "Mean of the variant",
}

# Titles and addresses of items by their key.
Places = Mapping[str, tuple[str, str]]


def places_of(workspace_id: int, effects: Iterable[Effect]) -> Places:
    """The items that caveats name, in one query; none when they name none."""
    keys = {
        caveat["item"]
        for effect in effects
        for caveat in effect.caveats
        if isinstance(caveat.get("item"), str)
    }
    if not keys:
        return {}
    items = Item.objects.in_workspace(workspace_id).filter(key__in=sorted(keys))
    return {item.key: (item.title, page_url(Item, item.pk)) for item in items.only("key", "title")}


def caveat_in_words(caveat: Mapping[str, Any], places: Places) -> str:
    """Return what weakens an effect as a sentence; an item that it names is a link."""
    code = str(caveat.get("code"))
    if code not in _CAVEATS:
        return str(caveat.get("detail") or words(code))
    told = {"on": "a day", "metric": "", **caveat}
    if code == "not_of_one_time":
        told |= {"at": _instant(caveat.get("at")), "later": ", ".join(sorted(caveat.get("later", ())))}
    told["coverage"] = percent(caveat["coverage"]) if "coverage" in caveat else "part"
    key = str(caveat.get("item", ""))
    if key in places:
        title, url = places[key]
        told["item"] = format_html('<a href="{}">{}</a>', url, title)
    else:
        told["item"] = key or "Another item"
    return format_html(_CAVEATS[code], **told)


def _instant(stated: Any) -> str:
    """An instant that a caveat states, as a person reads it."""
    at = parse_datetime(str(stated))
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "an earlier instant"


def placebos_in_words(placebo: Sequence[Mapping[str, Any]] | None) -> list[str]:
    """Return what the same method finds on each control, where nothing was released."""
    return [_placebo(run) for run in placebo or ()]


def _placebo(run: Mapping[str, Any]) -> str:
    name = f"{run.get('metric')} ({run['series']})" if run.get("series") else str(run.get("metric"))
    if "estimate" not in run:
        return f"{name}: it cannot be told, a run needs another control beside it."
    found = (
        f"{name}: {short(run['estimate'], 2)}, 95% interval {short(run['low'], 2)} to {short(run['high'], 2)}"
    )
    if run.get("verdict") == "inconclusive":
        return f"{found}: nothing, as it should be."
    return f"{found}: {run.get('verdict')}, though nothing was released to it. It was left out."


def details_in_words(effect: Effect) -> list[tuple[str, str]]:
    """Return what else a method found, by name."""
    return [(_DETAILS.get(name, words(name)), _detail(value)) for name, value in effect.detail.items()]


def _detail(value: Any) -> str:
    if isinstance(value, dict):
        numbers = [short(value.get(name), 2) for name in ("estimate", "low", "high")]
        return f"{numbers[0]}, 95% interval {numbers[1]} to {numbers[2]}"
    return short(value, 4) if isinstance(value, (int, float)) else str(value)
