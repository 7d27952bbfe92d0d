"""Documentation says what the code does: settings, checks, commands, links."""

import ast
import re

import pytest

from tests.architecture.source import ROOT, files, tree

OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")


def settings_asked_for() -> set[str]:
    """Names of variables that are read anywhere, through the typed readers or directly."""
    asked = set()
    for path in files():
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            called = ast.unparse(node.func)
            if called.startswith("read_") or called in ("os.environ.get", "os.getenv"):
                asked.add(str(node.args[0].value))
    return {name for name in asked if re.fullmatch(r"[A-Z][A-Z0-9_]+", name)} - {"LANG", "DJANGO_SETTINGS_MODULE"}


def test_every_setting_has_a_row_in_operations_and_no_row_is_stale() -> None:
    table = OPERATIONS.partition("## Settings")[2].partition("## Starting")[0]
    rows = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", "\n".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))))
    assert settings_asked_for() == rows


def test_every_check_has_a_row_in_operations_and_no_row_is_stale() -> None:
    in_code = set(re.findall(r'id="(gridgov\.[EW]\d+)"', (ROOT / "gridgov" / "checks.py").read_text("utf-8")))
    in_docs = set(re.findall(r"\| `(gridgov\.[EW]\d+)` \|", OPERATIONS))
    assert in_code == in_docs


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_requirements_are_pinned_and_have_no_address() -> None:
    for file in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / file).read_text("utf-8").splitlines():
            line = line.partition("#")[0].strip()
            assert not line or line.startswith("-r ") or re.fullmatch(r"[A-Za-z0-9._-]+(\[[a-z,0-9]+\])?==[0-9][^\s]*", line), line


def test_the_npm_lock_file_names_no_host() -> None:
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text("utf-8")
