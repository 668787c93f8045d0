from __future__ import annotations

from datetime import date, timedelta
from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.formulas.flags import (
    REASON_CLASS,
    REASONS,
    VERDICT_REASONS,
    Episode,
    VerdictSpan,
    active_days_per_period,
    all_episodes,
    class_holding_since,
    episode_of,
    is_still_answered,
    open_episodes,
    recommended_action,
)
from outcomes.formulas.verdicts import Verdict

START = date(2026, 1, 1)
LETTERS = {
    "h": Verdict.HEALTHY,
    "a": Verdict.ABANDONED,
    "n": Verdict.NEVER_ADOPTED,
    "u": Verdict.UNDER_USED,
    "d": Verdict.DECLINING,
    ".": Verdict.DATA_GAP,
    "x": Verdict.EXEMPT,
}
histories = st.text(alphabet="".join(LETTERS), max_size=60)


def on(number: int) -> date:
    """The day with this number, the first being 1."""
    return START + timedelta(days=number - 1)


def per_day(days: str) -> list[VerdictSpan]:
    return [VerdictSpan(on(n), on(n), LETTERS[letter]) for n, letter in enumerate(days, start=1)]


def merged(days: str) -> list[VerdictSpan]:
    spans, number = [], 1
    for letter, run in groupby(days):
        length = len(list(run))
        spans.append(VerdictSpan(on(number), on(number + length - 1), LETTERS[letter]))
        number += length
    return spans


def test_one_bad_day_opens_nothing() -> None:
    assert open_episodes(merged("hhuhh")) == {}


def test_a_flag_opens_on_the_second_consecutive_day() -> None:
    assert open_episodes(merged("hhuu")) == {"under_used": Episode("under_used", on(3), on(4))}


def test_a_healthy_day_between_two_bad_ones_starts_the_count_anew() -> None:
    assert open_episodes(merged("uhu")) == {}
    assert open_episodes(merged("uhuu"))["under_used"].holding_since == on(3)


def test_a_flag_resolves_on_the_seventh_consecutive_good_day() -> None:
    assert open_episodes(merged("uu" + "h" * 6))["under_used"].resolved_on is None
    assert open_episodes(merged("uu" + "h" * 7))["under_used"].resolved_on == on(9)


def test_one_bad_day_among_good_ones_keeps_a_flag_open() -> None:
    assert open_episodes(merged("uu" + "h" * 6 + "u" + "h" * 6))["under_used"].resolved_on is None


def test_a_data_gap_stops_both_clocks() -> None:
    assert open_episodes(merged("u...u")) == {"under_used": Episode("under_used", on(1), on(5))}
    assert open_episodes(merged("uu" + "hhhh" + "." * 30 + "hh"))["under_used"].resolved_on is None
    assert open_episodes(merged("uu" + "hhhh" + "..." + "hhh"))["under_used"].resolved_on == on(12)


def test_data_gaps_alone_open_nothing() -> None:
    assert open_episodes(merged("." * 20)) == {}


def test_the_latest_episode_is_told_when_a_feature_falls_twice() -> None:
    found = open_episodes(merged("uu" + "h" * 7 + "uuu"))
    assert found["under_used"] == Episode("under_used", on(10), on(11))


def test_a_resolved_episode_is_told_until_the_next_one_opens() -> None:
    assert open_episodes(merged("uu" + "h" * 7 + "u"))["under_used"].resolved_on == on(9)


def test_each_reason_has_an_episode_of_its_own() -> None:
    found = open_episodes(merged("uuu" + "aaa"))
    assert found == {
        "under_used": Episode("under_used", on(1), on(2)),
        "abandoned": Episode("abandoned", on(4), on(5)),
    }


def test_a_feature_taken_out_of_service_resolves_its_flags() -> None:
    assert open_episodes(merged("aa" + "x" * 7))["abandoned"].resolved_on == on(9)


def test_a_workspace_may_set_both_clocks() -> None:
    assert open_episodes(merged("u"), open_after=1)["under_used"].opened_on == on(1)
    assert open_episodes(merged("uuuu"), open_after=5) == {}
    assert open_episodes(merged("uuh"), resolve_after=1)["under_used"].resolved_on == on(3)


@given(histories, st.integers(1, 4), st.integers(1, 9))
def test_days_one_by_one_and_merged_into_spans_tell_the_same(
    days: str, open_after: int, resolve_after: int
) -> None:
    clocks = {"open_after": open_after, "resolve_after": resolve_after}
    assert open_episodes(per_day(days), **clocks) == open_episodes(merged(days), **clocks)


@given(histories)
def test_leaving_the_gaps_out_changes_dates_but_not_what_is_open(days: str) -> None:
    with_gaps, without = open_episodes(merged(days)), open_episodes(merged(days.replace(".", "")))
    assert {reason: episode.resolved_on is None for reason, episode in with_gaps.items()} == {
        reason: episode.resolved_on is None for reason, episode in without.items()
    }


@given(histories)
def test_an_episode_opens_after_it_holds_and_resolves_after_it_opened(days: str) -> None:
    for reason, episode in open_episodes(merged(days)).items():
        assert reason == episode.reason
        assert reason in VERDICT_REASONS
        assert episode.holding_since < episode.opened_on
        assert episode.resolved_on is None or episode.resolved_on > episode.opened_on


def test_never_adopted_and_abandoned_are_one_class_and_every_reason_has_one() -> None:
    assert REASON_CLASS["never_adopted"] == REASON_CLASS["abandoned"] == "unused"
    assert set(REASON_CLASS) == set(REASONS)


@pytest.mark.parametrize("reason", ["abandoned", "never_adopted"])
def test_use_that_broke_off_overnight_asks_to_check_the_tracking_first(reason: str) -> None:
    assert recommended_action(reason=reason, is_week_before_normal=True, mrr_share=0.5) == "check_tracking"


def test_what_customers_with_a_tenth_of_the_revenue_use_is_kept() -> None:
    assert recommended_action(reason="under_used", reach=0.01, frequency=0.1, mrr_share=0.10) == "keep"
    assert recommended_action(reason="under_used", reach=0.01, frequency=0.1, mrr_share=0.09) == "sunset"


@pytest.mark.parametrize(
    ("reach", "frequency", "action"),
    [
        (0.01, 3.0, "improve_adoption"),
        (0.01, 0.2, "sunset"),
        (0.40, 0.2, "improve_frequency"),
        (0.40, 3.0, "keep"),
        (0.01, None, "improve_adoption"),
        (None, None, "improve_adoption"),
        (None, 0.2, "improve_adoption"),
    ],
)
def test_reach_and_frequency_say_what_to_improve(
    reach: float | None, frequency: float | None, action: str
) -> None:
    assert recommended_action(reason="under_used", reach=reach, frequency=frequency) == action


def test_unused_without_any_excuse_is_for_sunset() -> None:
    assert recommended_action(reason="never_adopted") == "sunset"


def test_a_source_that_went_stale_wants_its_tracking_checked() -> None:
    assert recommended_action(reason="stale_source", mrr_share=1.0) == "check_tracking"


@given(histories, st.integers(1, 4), st.integers(1, 9))
def test_all_episodes_are_disjoint_in_order_and_only_the_last_may_be_open(
    days: str, open_after: int, resolve_after: int
) -> None:
    clocks = {"open_after": open_after, "resolve_after": resolve_after}
    for episodes in all_episodes(merged(days), **clocks).values():
        for before, after in pairwise(episodes):
            assert before.resolved_on is not None
            assert before.resolved_on < after.holding_since


@given(histories, st.integers(0, 60))
def test_what_had_resolved_by_a_day_does_not_depend_on_the_days_after_it(days: str, seen: int) -> None:
    early, late = all_episodes(merged(days[:seen])), all_episodes(merged(days))
    for reason, episodes in early.items():
        over = [episode for episode in episodes if episode.resolved_on is not None]
        assert list(late[reason][: len(over)]) == over


@given(histories, st.sets(st.integers(1, 60)))
def test_it_does_not_matter_on_which_days_a_job_looked(days: str, looked: set[int]) -> None:
    """A flag that stands when the last job looks is the same, whatever jobs looked before it."""
    standing: dict[str, Episode] = {}
    for day in sorted({*looked, len(days)}):
        standing = {
            reason: episode
            for reason, episode in open_episodes(merged(days[:day])).items()
            if episode.resolved_on is None
        }
    assert standing == {
        reason: episode
        for reason, episode in open_episodes(merged(days)).items()
        if episode.resolved_on is None
    }


@given(histories, st.integers(0, 60), st.integers(1, 20))
def test_a_pause_anywhere_moves_clocks_but_opens_and_resolves_nothing(
    days: str, place: int, pause: int
) -> None:
    paused = days[:place] + "." * pause + days[place:]
    for reason, episodes in all_episodes(merged(days)).items():
        after = all_episodes(merged(paused))[reason]
        assert [one.resolved_on is None for one in after] == [one.resolved_on is None for one in episodes]


def test_a_class_holds_on_while_its_reasons_take_turns() -> None:
    history = merged("nnnaaa")
    assert class_holding_since("abandoned", history) == on(1)
    assert open_episodes(history)["abandoned"].holding_since == on(4)
    assert class_holding_since("declining", history) is None
    assert class_holding_since("abandoned", merged("nn" + "h" * 7)) is None


def test_what_a_person_answered_is_still_the_same_while_it_has_held_ever_since() -> None:
    assert is_still_answered(answered_on=on(5), holding_since=on(3))
    assert not is_still_answered(answered_on=on(5), holding_since=on(6))
    assert not is_still_answered(answered_on=on(5), holding_since=None)


def test_the_episode_of_some_days_is_the_latest_that_touches_them() -> None:
    first, second = all_episodes(merged("uu" + "h" * 7 + "uuu"))["under_used"]
    assert episode_of((first, second), on(1), on(4)) == first
    assert episode_of((first, second), on(1), on(10)) == second
    assert episode_of((first,), on(20), on(30)) is None


def test_frequency_is_the_active_days_of_a_person_per_natural_period() -> None:
    assert active_days_per_period(80, 10, 28, 7) == pytest.approx(2)
    assert active_days_per_period(10, 10, 28, 14) == pytest.approx(0.5)
    assert active_days_per_period(0, 0, 28, 7) is None
