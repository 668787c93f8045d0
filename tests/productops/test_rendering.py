from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productops.api.numbers import shown
from productops.api.rendering import JSONRenderer
from tests.callers import Caller
from tests.factories import a_link, a_problem, a_value, a_workspace, an_item


@pytest.mark.parametrize(
    ("computed", "told"),
    [
        (0.040000000000000036, 0.04),
        (11.999999999999995, 12.0),
        (0.1 + 0.2, 0.3),
        (-1 / 3, -0.333333333333),
        (104.4 - 100, 4.4),
        (2 / 3 * 1e-9, 6.66666666667e-10),
    ],
)
def test_the_noise_of_computing_is_not_shown(computed: float, told: float) -> None:
    assert shown(computed) == told


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.integers(-30, 30))
def test_what_was_typed_is_shown_as_it_was(digits: int, exponent: int) -> None:
    typed = float(f"{digits}e{exponent}")
    assert shown(typed) == typed


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_is_shown_is_near_and_shown_the_same_again(number: float) -> None:
    told = shown(number)
    assert shown(told) == told
    assert abs(told - number) <= abs(number) * 1e-11 + 5e-324


def test_whole_numbers_and_amounts_keep_every_digit() -> None:
    answer = {
        "n": 2**60,
        "whole": 2.0**60,
        "mrr": Decimal("12345678901234.56"),
        "deep": [{"x": (0.1 + 0.2, None)}],
    }
    told = b'{"n":1152921504606846976,"whole":1.152921504606847e+18,"mrr":12345678901234.56,"deep":[{"x":[0.3,null]}]}'
    assert JSONRenderer().render(answer) == told


@pytest.mark.django_db
def test_a_card_and_a_file_say_a_number_in_the_same_few_digits() -> None:
    workspace = a_workspace()
    item = an_item(workspace, key="carts")
    a_link(item, a_problem(workspace), 0.5)
    a_value(item, proven=0.040000000000000036, coverage=0.5)
    paula = Caller(workspace)
    assert paula.get("items/carts/").json()["value"]["proven"] == 0.04
    assert b"".join(paula.get("items.csv?fields=proven")).split() == [b"proven", b"0.04"]
