"""The three-way merge of a field (protocol §3.3): the table by hand, and as a property over all values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.rules.merge import merge_field


@pytest.mark.parametrize(
    ("base", "server", "client", "verdict"),
    [
        ("a", "a", "b", "take"),  # server = base: take client
        ("a", "b", "a", "nothing"),  # client = base
        ("a", "b", "b", "nothing"),  # client = server
        ("a", "a", "a", "nothing"),
        ("a", "b", "c", "conflict"),  # all three differ
        (None, None, "b", "take"),
        ("a", "a", None, "take"),
        (None, "b", None, "nothing"),
        (None, "b", "c", "conflict"),
        ("a", None, "b", "conflict"),
        (False, False, True, "take"),
        (False, True, True, "nothing"),
    ],
)
def test_each_line_of_the_table(base: object, server: object, client: object, verdict: str) -> None:
    assert merge_field(base=base, server=server, client=client) == verdict


_values = st.sampled_from([None, "", "a", "b", "c"])


@given(base=_values, server=_values, client=_values)
def test_of_three_values_exactly_one_line_holds(base: str | None, server: str | None, client: str | None) -> None:
    expected = "conflict"
    if server == base and client != base:
        expected = "take"
    elif client in (base, server):
        expected = "nothing"
    assert merge_field(base=base, server=server, client=client) == expected


@given(base=_values, one=_values, two=_values)
def test_two_edits_from_one_base_never_lose_a_value(base: str | None, one: str | None, two: str | None) -> None:
    """Whichever comes first: each new value stands in the end, or is parked."""
    for first, second in ((one, two), (two, one)):
        server, parked = base, []
        for client in (first, second):
            verdict = merge_field(base=base, server=server, client=client)
            if verdict == "take":
                server = client
            elif verdict == "conflict":
                parked.append(client)
        for value in (one, two):
            assert value in (base, server, *parked)
