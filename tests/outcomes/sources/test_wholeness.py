"""What a body in chunks shows of its end."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from outcomes.sources.wholeness import is_evidently_whole

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(['"', "\\", "[{", "]}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)
_DOCUMENTS = st.lists(_VALUES, max_size=3) | st.dictionaries(st.text(max_size=4), _VALUES, max_size=3)


@given(_DOCUMENTS, st.booleans(), st.sampled_from([b"", b"\n", b"\xef\xbb\xbf"]))
def test_json_is_whole_at_its_end_and_nowhere_before(document: Any, ascii_only: bool, around: bytes) -> None:
    raw = around + json.dumps(document, ensure_ascii=ascii_only).encode()
    assert is_evidently_whole(raw, "application/json")
    assert not any(is_evidently_whole(raw[:length], "application/json") for length in range(len(raw)))
