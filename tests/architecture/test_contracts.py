"""Directions of imports, one-writer rules, names and sizes: what the prose of ARCHITECTURE.md promises."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

from tests.architecture.source import PACKAGES, ROOT, files, imported, name, tree


def test_imports_go_downwards_and_rules_are_pure() -> None:
    command = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert command, "import-linter is not installed"
    done = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"core", "common", "utils", "util", "helpers", "manager", "managers", "misc", "signals"}
    assert [name(path) for path in files() if path.stem in empty or path.parent.name in empty] == []


def test_no_function_imports_our_own_code_to_dodge_a_circle() -> None:
    # Before Django is set up nothing of ours that has models can be imported; these two wait for it.
    allowed = {"gridgov/apps.py", "gridgov/serving.py", "grids/apps.py", "incidents/apps.py", "sync/apps.py"}
    found = [
        f"{name(path)}:{inner.lineno}"
        for path in files()
        if name(path) not in allowed
        for function in ast.walk(tree(path))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(function)
        if any(module.partition(".")[0] in PACKAGES for module in imported(inner))
    ]
    assert found == []


def test_no_django_signals() -> None:
    found = [
        name(path)
        for path in files()
        for node in ast.walk(tree(path))
        if any(module in ("django.db.models.signals", "django.dispatch") for module in imported(node))
    ]
    assert found == []


def test_every_file_says_first_what_it_holds_in_one_to_five_lines() -> None:
    wrong = []
    for path in files():
        text = path.read_text("utf-8")
        said = ast.get_docstring(tree(path))
        if text.strip() and (not said or len(said.splitlines()) > 5):
            wrong.append(name(path))
    assert wrong == []


def test_no_file_is_longer_than_three_hundred_lines() -> None:
    assert [name(path) for path in files() if len(path.read_text("utf-8").splitlines()) > 300] == []


def test_only_history_writes_events() -> None:
    found = [
        f"{name(path)}:{node.lineno}"
        for path in files()
        if name(path) != "incidents/history.py"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id in ("Event", "EventContent"))
            or (
                isinstance(node.func, ast.Attribute)
                and node.func.attr in ("create", "bulk_create", "update", "delete", "get_or_create", "update_or_create")
                and any(isinstance(part, ast.Name) and part.id in ("Event", "EventContent") for part in ast.walk(node.func))
            )
        )
    ]
    assert found == []


def test_only_the_edges_read_the_clock() -> None:
    edges = {
        "admin_site",
        "api",
        "auth",
        "live",
        "hub",
        "pages",
        "login",
        "logs",
        "uploads",
        "photo_api",
        "background",
        "serving",
        "image_worker",
        "clocks",
        "receiving",
        "devices",
        "admin",
    }
    folders = {"commands", "admin", "simulation"}
    found = [
        f"{name(path)}:{node.lineno}"
        for path in files()
        if path.stem not in edges and not folders & set(path.parts)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name | ast.Attribute)
        and (
            node.func.attr == "utcnow"
            or (node.func.attr == "now" and ast.unparse(node.func) in ("timezone.now", "datetime.now", "dt.datetime.now"))
        )
    ]
    assert found == []


def test_no_file_names_a_machine_of_ours_or_a_registry() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    words = ("/wo" + "rk/main", "/wo" + "rk/shared", "registry.np" + "mjs", "pyp" + "i.org/simple", "files.pythonho" + "sted")
    found = []
    for listed_name in listed:
        path = ROOT / listed_name
        if path.is_file() and path.stat().st_size < 2_000_000:
            text = path.read_text("utf-8", "ignore")
            found += [f"{listed_name}: {word}" for word in words if word in text]
    assert found == []
