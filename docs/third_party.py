"""Writes THIRD_PARTY.md: what the server and the browser load, with licences as the packages themselves state them.

Run `make third-party` after a change of requirements.txt or package.json; a test compares.
"""

import json
import re
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

EXTRAS = {("psycopg", "binary"), ("psycopg", "pool")}
ROOT = Path(__file__).resolve().parent.parent


def python_packages() -> list[tuple[str, str, str]]:
    """(name, version, licence) of all that requirements.txt brings, sorted."""
    waiting = [
        re.split(r"[=\[]", line)[0] for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines() if re.match(r"[A-Za-z]", line)
    ]
    found: dict[str, tuple[str, str, str]] = {}
    while waiting:
        name = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            package = distribution(name)
        except PackageNotFoundError:  # an optional part that is not installed here
            continue
        found[key] = (package.metadata["Name"], package.version, licence(package.metadata))
        for line in package.requires or []:
            extra = re.search(r"extra == ['\"](\w+)", line)
            if extra is None or (key, extra[1]) in EXTRAS:
                waiting.append(re.split(r"[^A-Za-z0-9._-]", line)[0])
    return [found[key] for key in sorted(found)]


def licence(metadata: object) -> str:
    """The licence expression, else the short licence field, else the classifiers."""
    get = metadata.get_all  # type: ignore[attr-defined]
    expression = (get("License-Expression") or [""])[0]
    field = (get("License") or [""])[0].strip()
    classifiers = [c.rpartition(":: ")[2] for c in get("Classifier") or [] if c.startswith("License :: ")]
    return expression or (field if field and len(field) < 60 and "\n" not in field else "") or ", ".join(classifiers) or "see the package"


def browser_packages() -> list[tuple[str, str, str]]:
    """(name, version, licence) of the npm packages, from the lock file and the packages' own files."""
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
    rows = []
    for path, entry in lock["packages"].items():
        if path:
            rows.append((path.removeprefix("node_modules/"), entry["version"], entry.get("license") or own_licence(ROOT / path)))
    return sorted(rows)


def own_licence(folder: Path) -> str:
    """The licence in a package's own package.json, else below that heading of its readme."""
    try:
        said = json.loads((folder / "package.json").read_text("utf-8"))
    except OSError:
        return "see the package"
    readme = next((path.read_text("utf-8") for path in sorted(folder.iterdir()) if path.name.lower() == "readme.md"), "")
    below = re.search(r"^#+ Licen[cs]e\s+([A-Za-z0-9.-]+)\s*$", readme, re.M)
    licences = said.get("licenses") or [{"type": said.get("license") or (below[1] if below else "see the package")}]
    return ", ".join(entry["type"] for entry in licences)


def page() -> str:
    """The whole file."""
    lines = [
        "# Third-party packages",
        "",
        "Written by `make third-party`. None of them is part of this repository; `make setup` installs them.",
        "",
    ]
    for title, rows in (("Server (PyPI)", python_packages()), ("Browser and code lists (npm)", browser_packages())):
        lines += [f"## {title}", "", "| package | version | licence |", "|---|---|---|"]
        lines += [f"| {name} | {version} | {said} |" for name, version, said in rows]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    (ROOT / "THIRD_PARTY.md").write_text(page(), "utf-8")
    sys.exit(0)
