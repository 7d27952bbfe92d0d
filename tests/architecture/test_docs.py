"""Documentation says what the code does: settings, checks, commands, links."""

import ast
import re

import pytest
from django.apps import apps
from django.core.management import get_commands, load_command_class

from incidents import photo_files
from tests.architecture.source import ROOT, files, tree

PHOTO_PATHS = (photo_files.spool_path, photo_files.source_path, photo_files.picture_path)
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


def test_every_command_has_a_row_in_operations_with_its_options_and_no_row_is_stale() -> None:
    base = {"--help", "--version", "--skip-checks"}
    django = {action for row in load_command_class("django.core", "check").create_parser("", "")._actions for action in row.option_strings}
    told = {}
    for command, app in get_commands().items():
        if apps.is_installed(str(app)) and (ROOT / str(app).replace(".", "/")).is_dir() and command != "makemessages":
            parser = load_command_class(str(app), command).create_parser("manage.py", command)
            options = [text for row in parser._actions for text in row.option_strings if text.startswith("--")]
            told[command] = {text for text in options if text not in base | django or text == "--format"}
    table = OPERATIONS.partition("| command | options | does |")[2].partition("\n\n")[0]
    rows = {row[1]: set(re.findall(r"`(--[a-z-]+)`", row[2])) for row in re.finditer(r"^\| `(\w+)` \|([^|]*)\|", table, re.M)}
    assert len(told) > 8
    assert rows == told


def test_the_changelog_names_the_migrations_of_every_app() -> None:
    told = re.search(r"^\*\*Migrations:\*\* (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert told
    there = {}
    for folder in [*ROOT.glob("*/migrations"), *ROOT.glob("gridgov/*/migrations")]:
        there[folder.parent.name] = max(path.name[:4] for path in folder.glob("0*.py"))
    assert {app: last or first for app, first, last in re.findall(r"`(\w+) (\d{4})`(?:–`(\d{4})`)?", told[1])} == there


def test_the_folders_of_photos_are_those_of_the_code() -> None:
    sha = "ab" * 32
    folders = {path(sha).relative_to(photo_files.root().parent).parts[:2] for path in PHOTO_PATHS}
    assert set(re.findall(r"^\| `(photos)/(\w+)/` \|", OPERATIONS, re.M)) == folders


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
