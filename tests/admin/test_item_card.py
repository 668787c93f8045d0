"""An item's page: what weakens its effects, how its experiments stand, and what it would be worth otherwise."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from outcomes.admin.effect_words import caveat_in_words, details_in_words, placebos_in_words
from outcomes.models import Effect, Mark, ValueRecord
from tests.admin.furnishing import Furniture
from tests.admin.test_lists import queries
from tests.admin.test_pages import page_of
from tests.factories import a_metric, an_effect, an_experiment, an_item, an_outcome

CONTROL = {"metric": "visits", "series": None, "estimate": 0.4, "low": -1.0, "high": 1.8, "relative": 0.02}


def words(markup: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", markup).split())


def test_a_placebo_says_what_it_found_where_nothing_was_released() -> None:
    quiet = {**CONTROL, "verdict": "inconclusive"}
    moved = {**CONTROL, "series": "eu", "low": 0.1, "verdict": "better"}
    assert placebos_in_words([quiet, moved, {"metric": "visits", "series": None}]) == [
        "visits: 0.4, 95% interval -1 to 1.8: nothing, as it should be.",
        "visits (eu): 0.4, 95% interval 0.1 to 1.8: better, though nothing was released to it."
        " It was left out.",
        "visits: it cannot be told, a run needs another control beside it.",
    ]
    assert placebos_in_words(None) == []


def test_an_overlap_names_the_other_release_by_its_title_as_a_link() -> None:
    caveat = {"code": "overlap", "item": "guest", "on": "2026-03-05"}
    told = caveat_in_words(caveat, {"guest": ("Guest <b>", "/there/")})
    assert told.startswith(
        '<a href="/there/">Guest &lt;b&gt;</a> was released on 2026-03-05, inside its window'
    )
    assert caveat_in_words(caveat, {}).startswith("guest was released on 2026-03-05")


def test_a_caveat_that_nobody_wrote_words_for_is_told_as_it_stands() -> None:
    assert caveat_in_words({"code": "new_doubt"}, {}) == "new doubt"
    assert caveat_in_words({"code": "new_doubt", "detail": "Look <twice>."}, {}) == "Look <twice>."
    late = {
        "code": "not_of_one_time",
        "at": "2026-05-01T08:00:00Z",
        "later": {"control": "2026-05-01T20:00:00Z"},
    }
    assert caveat_in_words(late, {}).startswith(
        "Compared as of 2026-05-01 08:00 UTC. What control came to later"
    )
    assert caveat_in_words({"code": "gaps", "coverage": 0.9}, {}) == "Only 90% of its periods were reported."


def test_what_a_method_found_besides_is_named() -> None:
    simple = {"estimate": 1.0, "low": 0.5, "high": 1.5}
    told = details_in_words(Effect(detail={"phi": 0.4765, "difference_in_differences": simple}))
    assert told == [
        ("How much of a period's surprise stays in the next (phi)", "0.4765"),
        ("The simple form, difference in differences", "1, 95% interval 0.5 to 1.5"),
    ]


@pytest.mark.django_db
def test_the_page_shows_placebo_and_overlap_beside_the_effect(vic: Client, own: Furniture) -> None:
    other = an_item(own.workspace, key="guest", title="Guest checkout")
    effect = an_effect(
        an_outcome(own.item, a_metric(own.workspace)),
        design="comparison",
        placebo=[{**CONTROL, "verdict": "inconclusive"}],
        caveats=[{"code": "overlap", "item": "guest", "on": "2026-03-05"}],
    )
    for page in (page_of(own.item), page_of(effect)):
        shown = vic.get(page).content.decode()
        assert f'<a href="{page_of(other)}">Guest checkout</a> was released on 2026-03-05' in shown
        assert "nothing, as it should be" in shown


@pytest.mark.django_db
def test_caveats_cost_no_query_an_effect(vic: Client, own: Furniture) -> None:
    def effects(count: int) -> None:
        for _ in range(count):
            key = an_item(own.workspace).key
            caveats = [{"code": "overlap", "item": key, "on": "2026-03-05"}]
            an_effect(an_outcome(own.item, a_metric(own.workspace)), caveats=caveats)

    effects(1)
    vic.get(page_of(own.item))
    before = queries(vic, page_of(own.item))
    effects(5)
    assert queries(vic, page_of(own.item)) == before


@pytest.mark.django_db
def test_experiments_are_tables_of_their_variants(vic: Client, own: Furniture) -> None:
    an_experiment(own.item, key="not-begun")
    shown = words(vic.get(page_of(own.item)).content.decode())
    assert "not-begun draft" in shown
    assert re.search(r"not-begun .*treatment 50% 0 –", shown)
    assert re.search(rf"{own.experiment.key} .*treatment 50% [\d,]+ ", shown)
    assert "'split'" not in shown


@pytest.mark.django_db
def test_a_viewer_reads_an_experiment_without_its_json(vic: Client, own: Furniture) -> None:
    shown = vic.get(page_of(own.experiment)).content.decode()
    assert "split&quot;" not in shown
    assert "&#x27;split" not in shown


def supposed(client: Client, own: Furniture, **said: str) -> str:
    answer = client.get(page_of(own.item), said)
    assert answer.status_code == 200
    found = re.search(r'<details class="po-what-if".*?</details>', answer.content.decode(), re.DOTALL)
    assert found
    return words(found[0])


@pytest.mark.django_db
def test_a_viewer_supposes_other_inputs_and_nothing_is_written(vic: Client, own: Furniture) -> None:
    marks, records = Mark.objects.count(), ValueRecord.objects.count()
    shown = supposed(vic, own, if_effort="0.5", if_active="30", if_eligible="100")
    assert re.search(r"Expected [\d.,–]+ [\d.,]+ ", shown)
    assert "Value Now Then Change" in shown
    assert (Mark.objects.count(), ValueRecord.objects.count()) == (marks, records)


@pytest.mark.django_db
def test_halving_the_effort_doubles_what_is_expected(vic: Client, own: Furniture) -> None:
    inputs = {"if_reach": "1,000", "if_impact": "2", "if_confidence": "50%"}
    expected = [
        re.search(r"Expected [\d.,–]+ ([\d.,]+)", supposed(vic, own, **inputs, if_effort=effort))[1]  # type: ignore[index]
        for effort in ("4", "2")
    ]
    assert expected == ["250", "500"]


@pytest.mark.django_db
def test_what_is_no_number_or_cannot_be_is_named(vic: Client, own: Furniture) -> None:
    assert "Effort: soon is no number." in supposed(vic, own, if_effort="soon", if_reach="5")
    assert "Reach: 1e999 is no number." in supposed(vic, own, if_reach="1e999")
    assert "Impact" in supposed(vic, own, if_impact="7")
    assert "below 0" in supposed(vic, own, if_active="-1")
    assert "Value Now Then" not in supposed(vic, own, if_active="-1")


@pytest.mark.django_db
def test_an_outcome_is_supposed_by_its_level(vic: Client, own: Furniture, foreign: Furniture) -> None:
    shown = supposed(vic, own, **{f"if_{own.outcome.pk}_current": "3", f"if_{own.outcome.pk}_target": "2"})
    assert "Value Now Then Change" in shown
    assert "Value Now Then" not in supposed(vic, own, **{f"if_{foreign.outcome.pk}_current": "3"})
