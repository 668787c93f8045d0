from __future__ import annotations

from datetime import date
from decimal import Decimal
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadmap.imports.cells import (
    BadCell,
    clean,
    customer_key,
    day,
    dotted_key,
    guard,
    key,
    line_of_text,
    money,
    number,
    one_of,
    unguard,
    web_address,
    whole,
)
from roadmap.imports.columns import usage_policy


def code_of(read: object, text: str) -> str:
    with pytest.raises(BadCell) as caught:
        read(text)  # type: ignore[operator]
    return caught.value.code


@given(st.text())
def test_the_importer_gives_back_exactly_what_an_export_guarded(text: str) -> None:
    assert unguard(guard(text)) == text


@given(st.text())
def test_no_guarded_cell_begins_with_what_a_spreadsheet_runs(text: str) -> None:
    assert guard(text)[:1] not in tuple("=+-@\t\r")


@pytest.mark.parametrize("text", ["'quoted'", "''", "plain", "'", ""])
def test_a_quote_that_guards_nothing_stays(text: str) -> None:
    assert unguard(text) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_is_read_as_it_was_written(value: float) -> None:
    assert number(repr(value)) == value


@given(st.text(max_size=20))
def test_a_number_is_finite_or_refused(text: str) -> None:
    try:
        value = number(text)
    except BadCell:
        return
    assert isfinite(value)


@pytest.mark.parametrize("text", ["NaN", "nan", "inf", "-Infinity", "1_000", "0x10", "1,5", "١٢", "9" * 5000])
def test_what_only_a_programmer_calls_a_number_is_refused(text: str) -> None:
    assert code_of(number, text) == "invalid"


@pytest.mark.parametrize("text", ["1e400", "-1e9999"])
def test_a_number_that_overflows_is_refused(text: str) -> None:
    assert code_of(number, text) == "out_of_range"


@pytest.mark.parametrize(
    ("text", "code"),
    [("1.5", "invalid"), ("-1", "out_of_range"), ("2147483648", "out_of_range"), ("1e3", "invalid")],
)
def test_a_whole_number_must_be_one_and_fit(text: str, code: str) -> None:
    assert code_of(whole(0), text) == code


@pytest.mark.parametrize("text", ["2026-13-01", "20260302", "2026-W10-1", "02.03.2026", "2026-02-30"])
def test_a_day_is_written_in_one_way_only(text: str) -> None:
    assert code_of(day, text) == "invalid"
    assert day(" 2026-03-02 ") == date(2026, 3, 2)


def test_money_keeps_its_cents() -> None:
    assert str(money("420")) == "420.00"
    assert money("0.5") == Decimal("0.50")
    assert code_of(money, "12.345") == "invalid"
    assert code_of(money, "-1") == "out_of_range"
    assert code_of(money, "1e400") == "out_of_range"


def test_keys_are_slugs_that_no_id_or_endpoint_could_be_taken_for() -> None:
    assert [key(" saved-carts "), dotted_key("checkout.conversion"), customer_key("a@b.example")] == [
        "saved-carts",
        "checkout.conversion",
        "a@b.example",
    ]
    for text in ("42", "bulk", "a b", "ä", "x" * 201):
        assert code_of(key, text) == code_of(customer_key, text) == "invalid"
    assert code_of(dotted_key, "a..b") == "invalid"


def test_a_choice_outside_the_list_names_the_list() -> None:
    with pytest.raises(BadCell, match=r"now, next, later"):
        one_of("now", "next", "later")("soon")


def test_text_on_one_line_is_trimmed_and_bounded() -> None:
    assert line_of_text(3)(" abc ") == "abc"
    assert code_of(line_of_text(3), "abcd") == "too_long"


@pytest.mark.parametrize(
    "text", ["javascript:alert(1)", "ftp://a.example", "https://", "//x", "http://a\x01b"]
)
def test_an_address_that_could_run_something_is_refused(text: str) -> None:
    assert code_of(web_address, text) == "invalid"


def test_an_address_may_hold_a_space_that_somebody_typed() -> None:
    assert web_address("https://bugs.example/1 https://bugs.example/2").endswith("/2")


def test_nul_and_bytes_that_are_not_utf8_spoil_their_cell() -> None:
    assert code_of(clean, "a\x00b") == "nul"
    assert code_of(clean, "a\udcffb") == "not_utf8"


def test_an_exempt_policy_brings_its_reason() -> None:
    assert usage_policy("exempt:security") == ("exempt", "security")
    assert usage_policy("mandatory") == ("mandatory", None)
    assert code_of(usage_policy, "normal:security") == "invalid_choice"
    assert code_of(usage_policy, "exempt:because") == "invalid_choice"
