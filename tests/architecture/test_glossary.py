"""The glossary says what the workflow table, the roles and the Chinese catalogue say."""

import re

from django.utils import translation

from grids.models import Membership
from incidents.rules.workflow import ACTIONS, STATES
from tests.architecture.source import ROOT

TEXT = (ROOT / "docs" / "glossary.md").read_text("utf-8")


def table(first: str) -> dict[str, str]:
    """{code: Chinese} of the table whose first column has this heading."""
    body = TEXT.partition(f"| {first} | 中文 |\n")[2].partition("\n\n")[0]
    return dict(re.findall(r"^\| `([\w-]+)` \| (.+?) \|$", body, re.M))


def chinese(sentence: object) -> str:
    with translation.override("zh-hans"):
        return translation.gettext(str(sentence))


def test_states_are_those_of_the_workflow() -> None:
    assert table("state") == {code: chinese(name) for code, (name, _open) in STATES.items()}


def test_actions_are_those_of_the_workflow() -> None:
    assert table("action") == {code: chinese(action.name) for code, action in ACTIONS.items()}


def test_roles_are_those_of_memberships() -> None:
    with translation.override("en"):
        names = {role.value: str(role.label) for role in Membership.Role}
    assert table("role") == {code: chinese(name) for code, name in names.items()}


def test_the_field_app_says_the_same_words() -> None:
    catalogue = (ROOT / "sync" / "static" / "field" / "i18n" / "zh.js").read_text("utf-8")
    said = dict(re.findall(r'^  "((?:state|role|event)\.\w+)": "([^"]+)",$', catalogue, re.M))
    meant = {
        f"{kind}.{code}": word
        for kind, name in (("state", "state"), ("role", "role"), ("event", "action"))
        for code, word in table(name).items()
    }
    assert {key: said.get(key) for key in meant} == meant
