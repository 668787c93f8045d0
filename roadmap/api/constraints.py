"""What to say when the database refuses a row of the roadmap."""

from __future__ import annotations

from productops.api.constraints import explain


def register() -> None:
    """Teach the API the words; called once, when the app is ready."""
    explain(
        "link_weights_of_an_item_sum_to_at_most_1",
        "/weight",
        "too_much",
        "The weights of one item may sum to at most 1.",
        400,
    )
    explain(
        "one_link_per_item_and_problem",
        "/problem",
        "taken",
        "The item is linked to this problem already.",
        409,
    )
    explain(
        "one_evidence_per_external_id",
        "/external_id",
        "taken",
        "The problem has evidence with this external id already.",
        409,
    )
    explain(
        "one_survey_per_problem_segment_and_day",
        "/on",
        "taken",
        "The problem has a survey of this segment and day already.",
        409,
    )
    explain(
        "an_exempt_item_says_why",
        "/exemption_reason",
        "required",
        "Say why nobody is expected to use the item, and only then.",
        400,
    )
    explain(
        "a_released_item_has_a_day",
        "/released_on",
        "required",
        "A released item needs the day of its release.",
        400,
    )
    explain("problem_is_not_its_own_parent", "/parent", "circle", "The problem would be beneath itself.", 400)
    for noun in ("product", "customer", "problem", "item"):
        explain(f"one_{noun}_per_key", "/key", "taken", f"Another {noun} has this key.", 409)
