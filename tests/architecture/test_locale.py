"""Every sentence exists in Chinese: nothing missing, nothing fuzzy, nothing stale, and the .mo is made from the .po."""

import ast
import gettext
import re

from tests.architecture.source import ROOT, files, tree

FOLDER = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES"
MARKERS = {
    "gettext": 1,
    "gettext_lazy": 1,
    "gettext_noop": 1,
    "_": 1,
    "msgid": 1,
    "ngettext": 1,
    "ngettext_lazy": 1,
    "pgettext": 2,
    "pgettext_lazy": 2,
}
TRANSLATE = re.compile(r"""\{%\s*(?:translate|trans)\s+(["'])(.*?)\1(?:\s+context\s+(["'])(.*?)\3)?""")
BLOCK = re.compile(r"\{%\s*blocktrans(?:late)?(?P<head>[^%]*)%\}(?P<text>.*?)\{%\s*endblocktrans(?:late)?\s*%\}", re.S)


def in_python() -> set[str]:
    """Sentences marked in Python."""
    found = set()
    for path in files():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call):
                called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
                at = MARKERS.get(called, 0)
                if at and len(node.args) >= at and isinstance(node.args[at - 1], ast.Constant) and isinstance(node.args[at - 1].value, str):
                    found.add(node.args[at - 1].value)
    return found - {""}


def in_templates() -> set[str]:
    """Sentences marked in templates."""
    found = set()
    for folder in (ROOT / "templates", *(ROOT / package / "templates" for package in ("gridgov", "grids", "incidents", "sync"))):
        for path in folder.rglob("*.html"):
            text = path.read_text("utf-8")
            found |= {match[2] for match in TRANSLATE.finditer(text)}
            for match in BLOCK.finditer(text):
                body = match["text"].partition("{% plural %}")[0]
                body = re.sub(r"\{\{\s*([\w.]+)\s*\}\}", r"%(\1)s", body)
                found.add(" ".join(line.strip() for line in body.strip().splitlines()) if "trimmed" in match["head"] else body)
    return found


def read_po() -> tuple[dict[str, str], set[str], dict[str, str]]:
    """{msgid: first msgstr}, the fuzzy ones, and {msgid: its plural}; contexts are left aside."""
    plurals: dict[str, str] = {}
    entries: dict[str, str] = {}
    fuzzy: set[str] = set()
    for block in re.split(r"\n\s*\n", (FOLDER / "django.po").read_text("utf-8")):
        parts: dict[str, str] = {}
        now = ""
        for line in block.splitlines():
            if match := re.match(r'(msgctxt|msgid_plural|msgid|msgstr(?:\[0\])?|msgstr\[\d\])\s+"(.*)"$', line):
                now = match[1]
                parts[now] = match[2]
            elif line.startswith('"') and now:
                parts[now] += line[1:-1]
        if "msgid" in parts:
            msgid = unquoted(parts["msgid"])
            entries[msgid] = unquoted(parts.get("msgstr", parts.get("msgstr[0]", "")))
            if "msgid_plural" in parts:
                plurals[msgid] = unquoted(parts["msgid_plural"])
            if re.search(r"^#,.*fuzzy", block, re.M):
                fuzzy.add(msgid)
    entries.pop("", None)
    return entries, fuzzy - {""}, plurals


def unquoted(text: str) -> str:
    """A .po string as it is meant."""
    return text.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")


def test_every_sentence_of_the_code_is_translated() -> None:
    entries, fuzzy, _plurals = read_po()
    wanted = in_python() | in_templates()
    assert sorted(sentence for sentence in wanted if not entries.get(sentence)) == [], "run `make locale` and translate"
    assert sorted(fuzzy) == []


def test_no_translation_is_left_of_a_sentence_that_is_gone() -> None:
    entries, _fuzzy, _plurals = read_po()
    assert sorted(set(entries) - in_python() - in_templates()) == [], "run `make locale`"


def test_placeholders_are_the_same_in_both_languages() -> None:
    entries, _fuzzy, plurals = read_po()
    names = re.compile(r"%\((\w+)\)[sd]|\{(\w*)\}")
    many = {msgid: plurals.get(msgid, msgid) for msgid in entries}  # "once" has no number where "%(n)s times" has one
    assert [msgid for msgid, msgstr in entries.items() if set(names.findall(many[msgid])) != set(names.findall(msgstr))] == []


def test_the_compiled_file_is_made_from_the_readable_one() -> None:
    entries, _fuzzy, plurals = read_po()
    with open(FOLDER / "django.mo", "rb") as compiled:
        catalogue = gettext.GNUTranslations(compiled)
    found = {msgid: catalogue.ngettext(msgid, plurals[msgid], 2) if msgid in plurals else catalogue.gettext(msgid) for msgid in entries}
    assert [msgid for msgid, msgstr in entries.items() if found[msgid] != msgstr] == []
