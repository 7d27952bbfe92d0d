"""Values of an address's query: texts to numbers, levels, cursors, each refused with a sentence. Knows no tables."""

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping

from django.utils.translation import gettext as _

from gridgov.errors import Refusal
from grids.rules.levels import LEVELS

NUMBER = re.compile(r"[+-]?(\d{1,20}(\.\d{0,20})?|\.\d{1,20})([eE][+-]?\d{1,3})?", re.ASCII)
CODE = re.compile(r"[!-~]{1,32}", re.ASCII)


def bad_query(name: str, detail: str) -> Refusal:
    """The parameter `name` is refused, in a sentence."""
    return Refusal("bad_query", errors=[{"pointer": f"/{name}", "code": "bad_query", "detail": f"{name}: {detail}"}])


def optional_text(query: Mapping[str, str], name: str, *, most: int) -> str | None:
    """The text without blanks around it; None where it is absent or empty.

    :raises Refusal: bad_query, where it is longer than `most` or has control characters.
    """
    text = query.get(name, "").strip()
    if len(text) > most:
        raise bad_query(name, _("At most %(most)d characters.") % {"most": most})
    if not text.isprintable():
        raise bad_query(name, _("It has characters that cannot be printed."))
    return text or None


def level(query: Mapping[str, str], *, default: str | None = None) -> str | None:
    """:raises Refusal: bad_query, where it is no level of the tree."""
    value = query.get("level") or default
    if value is not None and value not in LEVELS:
        raise bad_query("level", _("One of %(levels)s.") % {"levels": ", ".join(LEVELS)})
    return value


def limit(query: Mapping[str, str], *, default: int, most: int) -> int:
    """A number from 1; what is above `most` is cut to it.

    :raises Refusal: bad_query.
    """
    value = query.get("limit")
    if value is None:
        return default
    if not re.fullmatch(r"\d{1,9}", value, re.ASCII) or int(value) < 1:
        raise bad_query("limit", _("A whole number from 1 to %(most)d.") % {"most": most})
    return min(int(value), most)


def coordinate(query: Mapping[str, str], name: str, *, most: float) -> float:
    """Degrees within ±`most`.

    :raises Refusal: bad_query, where it is missing, no finite number, or too large.
    """
    value = query.get(name, "")
    if not NUMBER.fullmatch(value) or not math.isfinite(degrees := float(value)) or abs(degrees) > most:
        raise bad_query(name, _("A number of degrees from -%(most)d to %(most)d.") % {"most": most})
    return degrees


def cursor_of(code: str | None) -> str | None:
    """The opaque text of where a page ended."""
    return None if code is None else base64.urlsafe_b64encode(code.encode()).decode().rstrip("=")


def cursor(query: Mapping[str, str], *, check: Callable[[str], bool] = lambda text: CODE.fullmatch(text) is not None) -> str | None:
    """The code that a page ended with; None for the first page.

    :raises Refusal: bad_query, where it was not made by `cursor_of`.
    """
    value = query.get("cursor")
    if not value:
        return None
    try:
        if not value.isascii():
            raise ValueError
        code = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        code = ""
    if not check(code):
        raise bad_query("cursor", _("Not a cursor that an earlier page gave."))
    return code
