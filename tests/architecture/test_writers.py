"""One writer a table: the place tree, the log of cases, the feed. Whoever else wants to write asks them."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.source import files, imported, name, tree

TREE = "grids/tree.py"
FEED = "gridgov/feed/commit.py"
# A new history when the demo city is thrown away, and that rights have changed (the head's `ground`): no positions are given there.
BESIDE_THE_FEED = {"grids/demo/build.py", "grids/actions.py", "grids/models/people.py"}
TREE_COLUMNS = {"lft", "rght", "tree_id", "depth", "parent", "parent_id", "path", "sid"}
OF_THE_LIBRARY = {
    "move_node", "insert_node", "move_to", "insert_at", "rebuild", "partial_rebuild", "build_tree_nodes", "delay_mptt_updates",
    "disable_mptt_updates",
}  # fmt: skip
WRITES = {"create", "bulk_create", "bulk_update", "update", "delete", "get_or_create", "update_or_create", "acreate", "aupdate", "adelete"}


def calls(*, but: set[str]) -> Iterator[tuple[str, ast.Call]]:
    """Every call in our code with where it stands, but for these files."""
    for path in files():
        if name(path) not in but:
            for node in ast.walk(tree(path)):
                if isinstance(node, ast.Call):
                    yield f"{name(path)}:{node.lineno}", node


def names_in(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def statements(path: object, verb: str = r"INSERT\s+INTO|UPDATE|DELETE\s+FROM|TRUNCATE|COPY") -> set[str]:
    """Tables that SQL in this file changes."""
    text = path.read_text("utf-8")  # type: ignore[attr-defined]
    return {match[1] for match in re.finditer(rf"\b(?:{verb})\s+\"?([a-z_]+)", text)}


def test_only_grids_tree_gives_places_their_place_in_the_tree() -> None:
    found = []
    for where, call in calls(but={TREE}):
        called = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""
        given = {keyword.arg for keyword in call.keywords}
        stores = called in WRITES and "Place" in names_in(call.func)
        if called in OF_THE_LIBRARY or called == "Place" or (stores and (given & TREE_COLUMNS or called not in ("update", "delete"))):
            found.append(where)
    assert found == []


def test_nobody_sets_a_column_of_the_tree_on_an_object() -> None:
    library = {"lft", "rght", "tree_id", "depth"}
    found = [
        f"{name(path)}:{node.lineno}"
        for path in files()
        if name(path) != TREE
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Attribute) and target.attr in library
    ]
    assert found == []


def test_places_are_deleted_with_the_demo_city_alone() -> None:
    found = {
        where.partition(":")[0]
        for where, call in calls(but=set())
        if isinstance(call.func, ast.Attribute) and call.func.attr == "delete" and "Place" in names_in(call.func)
    }
    assert found == {"grids/demo/build.py"}


def test_only_the_feeds_commit_writes_the_feeds_tables() -> None:
    models = {"Head", "FeedRow", "FeedExtra", "Commit"}
    # Those who do not know the models may call something of their own Head.
    others = {name(path) for path in files() if not any("gridgov.feed.models" in imported(node) for node in ast.walk(tree(path)))}
    by_sql = {name(path) for path in files() if any(table.startswith("feed_") for table in statements(path))}
    by_objects = {
        where.partition(":")[0]
        for where, call in calls(but={FEED} | others)
        if (isinstance(call.func, ast.Name) and call.func.id in models)
        or (isinstance(call.func, ast.Attribute) and call.func.attr in WRITES and names_in(call.func) & models)
    }
    assert by_sql == {FEED}
    assert by_objects == BESIDE_THE_FEED


@pytest.mark.parametrize("where", sorted(BESIDE_THE_FEED - {"grids/demo/build.py"}))
def test_that_rights_have_changed_is_all_that_others_tell_the_head(where: str) -> None:
    told = [
        {keyword.arg for keyword in call.keywords}
        for at, call in calls(but=set())
        if at.startswith(f"{where}:")
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "update"
        and "Head" in names_in(call.func)
    ]
    assert told and all(given == {"ground"} for given in told)


def test_no_statement_changes_the_log_of_cases() -> None:
    changed = {
        (name(path), table)
        for path in files(migrations=True)
        for table in statements(path, r"UPDATE|DELETE\s+FROM|TRUNCATE")
        if table in ("incidents_event", "incidents_eventcontent")
    }
    assert changed == set()


def test_rows_of_the_log_are_stored_by_the_workset_alone() -> None:
    stored = {
        where.partition(":")[0]
        for where, call in calls(but=set())
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in ("insert", "replace", "upsert")
        and any(names_in(argument) & {"EVENTS", "CONTENTS"} for argument in call.args)
    }
    assert stored == {"incidents/workset.py"}
    replaced = [
        where
        for where, call in calls(but=set())
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in ("replace", "upsert")
        and any(names_in(argument) & {"EVENTS", "CONTENTS"} for argument in call.args)
    ]
    assert replaced == []
