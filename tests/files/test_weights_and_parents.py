from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roadmap.imports.parents import WantedProblem, refuse_parents
from roadmap.imports.weights import WantedLink, weigh_links

WEIGHTS = st.one_of(st.none(), st.floats(0.01, 1))


def wanted(*weights: float | None) -> list[WantedLink]:
    """Lines 2, 3, ... for problems 2, 3, ..."""
    return [WantedLink(line, line, weight) for line, weight in enumerate(weights, start=2)]


def test_a_blank_weight_is_what_the_other_links_leave() -> None:
    assert weigh_links(wanted(0.7, None), {}).weights == {2: 0.7, 3: 0.3}
    assert weigh_links(wanted(None), {99: 0.4}).weights == {2: 0.6}
    assert weigh_links(wanted(None), {}).weights == {2: 1.0}


def test_several_blank_weights_share_what_is_left() -> None:
    assert weigh_links(wanted(None, 0.5, None), {}).weights == {2: 0.25, 3: 0.5, 4: 0.25}


def test_the_line_that_would_exceed_one_is_refused_and_the_others_stand() -> None:
    weighed = weigh_links(wanted(0.6, 0.6, 0.4), {})
    assert (weighed.weights, list(weighed.refused)) == ({2: 0.6, 4: 0.4}, [3])


def test_two_links_may_swap_their_weights() -> None:
    weighed = weigh_links(wanted(0.7, 0.3), {2: 0.3, 3: 0.7})
    assert weighed.refused == {}


def test_the_weight_that_a_refused_line_was_to_replace_counts_again() -> None:
    # Line 3 asks for too much, so problem 3 keeps its 0.5, which leaves no room for 0.9 on line 2 either.
    weighed = weigh_links(wanted(0.9, 0.8), {3: 0.5})
    assert set(weighed.refused) == {2, 3}


def test_a_blank_weight_with_nothing_left_is_refused() -> None:
    assert list(weigh_links(wanted(None), {99: 1.0}).refused) == [2]


@given(st.lists(WEIGHTS, max_size=6), st.lists(st.floats(0.01, 0.3), max_size=3))
def test_what_is_taken_never_sums_to_more_than_one(asked: list[float | None], standing: list[float]) -> None:
    before = dict(enumerate(standing, start=4))
    links = wanted(*asked)
    weighed = weigh_links(links, before)
    after = before | {
        link.problem_id: weighed.weights[link.line] for link in links if link.line in weighed.weights
    }
    assert sum(after.values()) <= 1 + 1e-6
    assert set(weighed.weights) | set(weighed.refused) == {link.line for link in links}
    assert all(weight > 0 for weight in weighed.weights.values())


@given(st.lists(WEIGHTS, max_size=6))
def test_weighing_again_what_was_taken_changes_nothing(asked: list[float | None]) -> None:
    first = weigh_links(wanted(*asked), {})
    standing = {
        link.problem_id: first.weights[link.line] for link in wanted(*asked) if link.line in first.weights
    }
    again = weigh_links([link for link in wanted(*asked) if link.line in first.weights], standing)
    assert (again.weights, again.refused) == (first.weights, {})


def tree(**parents: str | None) -> list[WantedProblem]:
    return [WantedProblem(line, key, parent) for line, (key, parent) in enumerate(parents.items(), start=2)]


def test_a_parent_may_come_later_in_the_file() -> None:
    assert refuse_parents(tree(child="mother", mother=None), {}) == {}


def test_a_parent_that_is_nowhere_is_refused_with_all_who_hang_on_it_alone() -> None:
    assert set(refuse_parents(tree(a="nowhere", b="a", c=None), {})) == {2, 3}


def test_the_latest_line_of_a_circle_is_refused() -> None:
    assert set(refuse_parents(tree(a="b", b="c", c="a"), {"a": None, "b": None, "c": None})) == {4}


def test_a_problem_cannot_be_its_own_parent() -> None:
    assert set(refuse_parents(tree(a="a"), {})) == {2}


def test_a_long_circle_is_told_shortly() -> None:
    ring = {f"p{n}": f"p{(n + 1) % 5000}" for n in range(5000)}
    refused = refuse_parents(tree(**ring), dict.fromkeys(ring))
    (detail,) = refused.values()
    assert detail.endswith("p4999 under p0 under p1 under p2 under p3 under p4 under 4,994 more under p4999.")


def test_a_long_chain_that_hangs_on_nothing_falls_at_once() -> None:
    chain = {f"p{n}": f"p{n + 1}" for n in range(20_000)}
    assert len(refuse_parents(tree(**chain), {})) == 20_000


def test_a_circle_through_what_stands_already_is_refused() -> None:
    assert set(refuse_parents(tree(top="below"), {"below": "middle", "middle": "top", "top": None})) == {2}


def test_a_tree_may_be_turned_upside_down_in_one_file() -> None:
    assert refuse_parents(tree(a="b", b=None), {"b": "a", "a": None}) == {}


KEYS = st.sampled_from("abcdef")


@given(st.dictionaries(KEYS, st.one_of(st.none(), KEYS), max_size=6))
def test_what_is_left_is_a_forest(parents: dict[str, str | None]) -> None:
    refused = refuse_parents(tree(**parents), {})
    left = {problem.key: problem.parent for problem in tree(**parents) if problem.line not in refused}
    for start in left:
        seen, key = set(), start
        while left[key] is not None:
            assert key not in seen
            seen.add(key)
            key = left[key] or ""
            assert key in left
