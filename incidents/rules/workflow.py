"""THE table of the workflow: every action with its sources, target, roles, arguments and whether it may be queued offline.

Pure. `GET workflow` serves it; `rules.decide.act` decides by it; there is no second place that knows a transition.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from gridgov.errors import malformed, msgid

# state → (name, open)
STATES: Final[dict[str, tuple[str, bool]]] = {
    "reported": (msgid("reported"), True),
    "registered": (msgid("registered"), True),
    "resolved": (msgid("to be signed off"), True),
    "closed": (msgid("closed"), False),
    "rejected": (msgid("not accepted"), False),
}
OPEN: Final = frozenset(code for code, (_, is_open) in STATES.items() if is_open)

HANDLING_CLASSES: Final = ("immediate", "limited", "tracked")
OUTCOMES: Final = ("fixed", "handled_on_spot", "explained", "not_found", "no_action_needed", "cannot_fix", "passed_on")
REJECT_REASONS: Final = ("not_ours", "duplicate", "not_real", "unclear", "outside_law")


class Arg(msgspec.Struct, frozen=True):
    """An argument. `type`: text, or choice (then of `choices`). `reason`: its absence is `reason_missing`."""

    name: str
    type: str
    required: bool = False
    choices: tuple[str, ...] = ()
    longest: int = 1000


class Action(msgspec.Struct, frozen=True):
    """A row of the table. `offline`: legality now decides; otherwise nothing that decides may have changed since."""

    code: str
    name: str
    sources: tuple[str, ...]
    to: str
    roles: tuple[str, ...]
    offline: bool
    args: tuple[Arg, ...] = ()


_NOTE = Arg("note", "text", longest=2000)

ACTIONS: Final[dict[str, Action]] = {
    action.code: action
    for action in (
        Action("submit", msgid("report"), (), "reported", ("anyone",), True),
        Action("handle_here", msgid("handled here"), ("reported",), "resolved", ("worker",), True, (Arg("outcome", "choice", choices=OUTCOMES), _NOTE)),
        Action("register", msgid("register"), ("reported",), "registered", ("secretary", "operator"), False,
               (Arg("handling_class", "choice", choices=HANDLING_CLASSES),)),
        Action("reject", msgid("reject"), ("reported",), "rejected", ("secretary", "operator"), False,
               (Arg("reason", "choice", True, REJECT_REASONS), Arg("sentence", "text", True), Arg("office", "text", True, longest=100))),
        Action("resolve", msgid("resolve"), ("registered",), "resolved", ("secretary", "operator"), False,
               (Arg("outcome", "choice", True, OUTCOMES), _NOTE)),
        Action("close", msgid("close"), ("resolved",), "closed", ("secretary", "operator"), False),
        Action("reopen", msgid("reopen"), ("closed",), "registered", ("secretary", "supervisor"), False, (Arg("sentence", "text", True),)),
    )
}  # fmt: skip


def check_arguments(*, action: Action, args: Mapping[str, Any]) -> None:
    """Are they arguments that the action knows, each of its type? Which of them are missing is asked later.

    :raises Refusal: malformed.
    """
    known = {arg.name: arg for arg in action.args}
    for name, value in args.items():
        pointer = "/args/" + name.replace("~", "~0").replace("/", "~1")
        arg = known.get(name)
        if arg is None:
            raise malformed(pointer, "the action has no such argument")
        if not isinstance(value, str) or len(value) > arg.longest:
            raise malformed(pointer, f"a text of at most {arg.longest} characters")
        if arg.choices and value and value not in arg.choices:
            raise malformed(pointer, "one of " + ", ".join(arg.choices))


def missing_argument(*, action: Action, args: Mapping[str, Any]) -> str | None:
    """The first argument without which the step has no reason; blanks are none."""
    return next((arg.name for arg in action.args if arg.required and not str(args.get(arg.name) or "").strip()), None)


def possible(*, action: Action, roles: Iterable[str]) -> bool:
    """May one of these roles ever take this action?"""
    return not set(action.roles).isdisjoint(roles)


def allowed_now(*, state: str, roles: Iterable[str]) -> list[str]:
    """Codes of the actions that these roles may take in that state (guards apart)."""
    held = set(roles)
    return [a.code for a in ACTIONS.values() if state in a.sources and possible(action=a, roles=held)]
