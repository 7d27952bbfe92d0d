"""THE three-way merge (protocol §3.3): per field base (what the author saw), server (now), client.

Pure. There is no second place that knows the rule.
"""

from typing import Any, Literal

Verdict = Literal["take", "nothing", "conflict"]


def merge_field(*, base: Any, server: Any, client: Any) -> Verdict:
    """What becomes of one field: `take` the client's value, `nothing` to do, or a hard `conflict`.

    >>> merge_field(base="old", server="old", client="new")
    'take'
    >>> merge_field(base="old", server="new", client="old")
    'nothing'
    >>> merge_field(base="old", server="his", client="hers")
    'conflict'
    """
    if client in (base, server):
        # Nothing to do; where all three are equal, too.
        return "nothing"
    return "take" if server == base else "conflict"
