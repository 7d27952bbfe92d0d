"""The product's own Python phone: a whole client of the protocol, in the standard library alone.

It speaks to a server and never imports one: no Django, no models, no settings. Everything that it knows
stands in a `Phone` object, so that many phones run in one process.
"""

from sync.phone.line import HttpLine, Line, LineDown, Reply
from sync.phone.phone import Phone

__all__ = ["HttpLine", "Line", "LineDown", "Phone", "Reply"]
