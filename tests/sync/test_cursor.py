"""The cursor's text: says what was put in, tells everything else apart. No database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.cursor import Cursor, read_cursor, write_cursor

KEY, OTHER = b"k" * 32, b"o" * 32


def hexadecimal(digits: int) -> st.SearchStrategy[str]:
    return st.text("0123456789abcdef", min_size=digits, max_size=digits)


CURSORS = st.builds(
    Cursor,
    epoch=hexadecimal(16),
    seq=st.integers(0, 2**63 - 1),
    began=st.integers(0, 2**63 - 1),
    day=st.integers(0, 2**16 - 1),
    check=hexadecimal(12),
    scope=hexadecimal(12),
)


@given(CURSORS)
def test_it_is_read_as_it_was_written(cursor: Cursor) -> None:
    text = write_cursor(cursor, key=KEY)
    assert read_cursor(text, key=KEY) == cursor
    assert text.isascii() and len(text) < 100
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), "needs no escaping in an address"


@given(CURSORS)
def test_another_server_s_key_does_not_open_it(cursor: Cursor) -> None:
    assert read_cursor(write_cursor(cursor, key=KEY), key=OTHER) is None


@given(CURSORS, st.integers(0, 10_000), st.characters(codec="utf-8"))
def test_any_other_sign_at_any_place_is_found(cursor: Cursor, at: int, sign: str) -> None:
    text = write_cursor(cursor, key=KEY)
    at %= len(text)
    changed = text[:at] + sign + text[at + 1 :]
    assert read_cursor(changed, key=KEY) == (cursor if changed == text else None)


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_junk_is_none_and_never_an_error(text: str) -> None:
    assert read_cursor(text, key=KEY) is None


@pytest.mark.parametrize("text", ["", "=", "A", "A" * 57, "A" * 58, "A" * 60, "A" * 200, "A" * 201, "-" * 60, "漢" * 60])
def test_texts_of_every_length_are_none(text: str) -> None:
    assert read_cursor(text, key=KEY) is None


def test_an_empty_history_has_no_check() -> None:
    cursor = Cursor(epoch="0" * 16, seq=0, began=0, day=0, check="", scope="f" * 12)
    found = read_cursor(write_cursor(cursor, key=KEY), key=KEY)
    assert found is not None
    assert found.seq == 0
