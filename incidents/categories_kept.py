"""The categories as the rules need them, kept in memory under the ground version."""

from incidents.models import Category
from incidents.rules import rows

_kept: tuple[int, dict[str, rows.Category]] | None = None


def categories(*, ground: int) -> dict[str, rows.Category]:
    """All categories by code; one statement a ground version."""
    global _kept
    if _kept is not None and _kept[0] == ground:
        return _kept[1]
    fields = ("code", "handling_class", "restricted", "retired", "replaced_by__code", "required_photos", "id", "parent")
    found = list(Category.objects.values_list(*fields))
    parents = {row[7] for row in found}
    table = {
        code: rows.Category(
            code=code, leaf=pk not in parents, handling_class=handling, restricted=restricted,
            retired=retired, replaced_by=replaced, required_photos=tuple(photos) if isinstance(photos, list) else (),
        )
        for code, handling, restricted, retired, replaced, photos, pk, _ in found
    }  # fmt: skip
    _kept = (ground, table)
    return table
