"""What an op declares in photos, read from the op as it was sent. Pure."""

from typing import Any


def declared_sizes(op: Any, sha256: str) -> set[int]:
    """The sizes in bytes under which an op declares that hash: in its list of photos, or flat, as `photo.add` does."""
    if not isinstance(op, dict):
        return set()
    listed = op.get("photos")
    found = [op, *(listed if isinstance(listed, list) else [])]
    return {one["size"] for one in found if isinstance(one, dict) and one.get("sha256") == sha256 and isinstance(one.get("size"), int)}
