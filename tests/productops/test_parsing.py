from __future__ import annotations

import pytest

from productops.api.parsing import BadJSON, parse_json


def test_plain_json_is_read_as_it_is() -> None:
    assert parse_json(b'{"a": [1, -2.5, "\xc3\xa4", null, true]}') == {"a": [1, -2.5, "ä", None, True]}


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert parse_json(b'"\\ud83d\\ude80"') == "🚀"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 1_000 + b"]" * 1_000,
        b"[" * 200_000,
        b'{"a":' * 33 + b"1" + b"}" * 33,
        b"NaN",
        b"[Infinity, -Infinity]",
        b"1e400",
        b"[-1e999]",
        b"1" * 5_000,
        b"9223372036854775808",
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'"\\u0000"',
        b'{"\\u0000": 1}',
        b'"\\ud800"',
        b'{"a": ["\\udc00"]}',
        b'"\x00"',
        b"{} {}",
    ],
)
def test_what_could_not_be_stored_or_understood_is_refused_with_words(body: bytes) -> None:
    with pytest.raises(BadJSON, match=r"\w"):
        parse_json(body)


def test_thirty_two_levels_are_taken() -> None:
    assert parse_json(b"[" * 32 + b"]" * 32)


def test_the_largest_bigint_is_taken() -> None:
    assert parse_json(b"9223372036854775807") == 2**63 - 1
