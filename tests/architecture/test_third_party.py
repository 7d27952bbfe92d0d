"""THIRD_PARTY.md names everything that requirements.txt and package.json pin, in the pinned version."""

import json
import re

from tests.architecture.source import ROOT

PAGE = (ROOT / "THIRD_PARTY.md").read_text("utf-8").lower()


def test_every_pinned_package_is_named_with_its_version() -> None:
    pinned = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", (ROOT / "requirements.txt").read_text("utf-8"), re.M)
    pinned += json.loads((ROOT / "package.json").read_text("utf-8"))["dependencies"].items()
    lines = {re.sub(r"[-_.]+", "-", row) for row in re.findall(r"^\| (\S+ \| \S+) \|", PAGE, re.M)}
    wanted = {re.sub(r"[-_.]+", "-", f"{name} | {version}".lower()) for name, version in pinned}
    assert sorted(wanted - lines) == [], "run `make third-party`"


def test_every_package_has_a_licence() -> None:
    rows = re.findall(r"^\| (\S+) \| [0-9]\S* \| (.*?) \|$", PAGE, re.M)
    assert len(rows) > 40
    assert [name for name, licence in rows if not licence or licence in ("unknown", "see the package", "unlicensed")] == []
