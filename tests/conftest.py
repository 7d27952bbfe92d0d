"""What every test gets: the list of what was left out, printed at the end, and hypothesis without deadlines."""

import os
import re
import shutil
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from pytest_django.plugin import blocking_manager_key

from gridgov.feed.models import Head
from tests import left_out
from tests.world import world

__all__ = ["world"]

# A deadline is a timing assert; the database of examples would make runs differ from machine to machine.
hypothesis.settings.register_profile("house", deadline=None, database=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("house")

UUID_INSIDE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_from_workers: set[str] = set()


def pytest_make_parametrize_id(config: Any, val: object, argname: str) -> str | None:
    """A case with an id in it is named by its argument: an id made at import differs from worker to worker, and xdist wants equal names."""
    return argname if isinstance(val, str) and UUID_INSIDE.search(val) else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: Any, nextitem: Any) -> Iterator[None]:
    """A test with real transactions ends with empty tables; the one row that migrations made is put back for whoever comes next."""
    yield
    marker = item.get_closest_marker("django_db")
    emptied = {"transactional_db", "live_server"} & set(getattr(item, "fixturenames", ())) or (marker and marker.kwargs.get("transaction"))
    if emptied and nextitem is not None:
        with item.config.stash[blocking_manager_key].unblock():
            Head.objects.get_or_create(pk=1)


def pytest_testnodedown(node: Any) -> None:
    """With xdist: what the workers left out."""
    _from_workers.update(getattr(node, "workeroutput", {}).get("left_out", ()))


def pytest_sessionfinish(session: Any) -> None:
    """In a worker: tell the controller."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = sorted(left_out.noted)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say plainly what was not tested here."""
    for what in sorted(left_out.noted | _from_workers):
        terminalreporter.write_line(f"LEFT OUT: {what}")


def pytest_unconfigure(config: Any) -> None:
    """Remove the run's folder."""
    if not hasattr(config, "workerinput") and "GRIDGOV_TEST_RUN_DATA" in os.environ:
        shutil.rmtree(os.environ["GRIDGOV_TEST_RUN_DATA"], ignore_errors=True)
