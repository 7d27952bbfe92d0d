"""THE table of the workflow beside the domain's transitions (domain D.6), as far as this release has them; by hand."""

import pytest

from incidents.rules.workflow import ACTIONS, OPEN, STATES, allowed_now, missing_argument, possible

# action → (from, to, roles, offline). Offline may be queued: submit, handle here (D.6: "Offline clients may queue 1, 2 …").
PAGE = {
    "submit": ((), "reported", {"anyone"}, True),
    "handle_here": (("reported",), "resolved", {"worker"}, True),
    "register": (("reported",), "registered", {"secretary", "operator"}, False),
    "reject": (("reported",), "rejected", {"secretary", "operator"}, False),
    "resolve": (("registered",), "resolved", {"secretary", "operator"}, False),
    "close": (("resolved",), "closed", {"secretary", "operator"}, False),
    "reopen": (("closed",), "registered", {"secretary", "supervisor"}, False),
}


def test_the_table_is_the_page() -> None:
    assert {a.code: (a.sources, a.to, set(a.roles), a.offline) for a in ACTIONS.values()} == PAGE


def test_closed_is_every_state_that_is_not_open() -> None:
    assert {"reported", "registered", "resolved"} == OPEN
    assert {code for code, (_, is_open) in STATES.items() if not is_open} == {"closed", "rejected"}


@pytest.mark.parametrize("action", sorted(PAGE))
@pytest.mark.parametrize("role", ["anyone", "author", "worker", "secretary", "operator", "supervisor", "handler", "admin"])
def test_a_role_may_take_an_action_or_never_may(action: str, role: str) -> None:
    assert possible(action=ACTIONS[action], roles={role}) == (role in PAGE[action][2])


@pytest.mark.parametrize("state", sorted(STATES))
@pytest.mark.parametrize("role", ["worker", "secretary", "operator", "supervisor", "handler", "admin"])
def test_what_is_allowed_now_starts_in_this_state(state: str, role: str) -> None:
    expected = {code for code, (sources, _, roles, _) in PAGE.items() if state in sources and role in roles}
    assert set(allowed_now(state=state, roles={role})) == expected


@pytest.mark.parametrize(
    ("action", "args", "missing"),
    [
        ("reject", {}, "reason"),
        ("reject", {"reason": "not_ours", "office": "x"}, "sentence"),
        ("reject", {"reason": "not_ours", "sentence": " \n　", "office": "x"}, "sentence"),
        ("reject", {"reason": "", "sentence": "x", "office": "x"}, "reason"),
        ("reject", {"reason": "not_ours", "sentence": "x"}, "office"),
        ("reject", {"reason": "not_ours", "sentence": "x", "office": "x"}, None),
        ("resolve", {}, "outcome"),
        ("reopen", {}, "sentence"),
        ("register", {}, None),
        ("close", {}, None),
        ("handle_here", {}, None),
    ],
)
def test_what_a_step_cannot_do_without_is_missed(action: str, args: dict[str, str], missing: str | None) -> None:
    assert missing_argument(action=ACTIONS[action], args=args) == missing
