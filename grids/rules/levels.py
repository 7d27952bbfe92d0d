"""The levels of the tree, from the district down to the building, and of the units that look after it.

The city itself is no place: it is all districts together. No Django here.
"""

from typing import Final

CITY: Final = "city"
DISTRICT: Final = "district"
STREET: Final = "street"
COMMUNITY: Final = "community"
GRID: Final = "grid"
BUILDING: Final = "building"

# Places, from the top down. The order is the order of parents.
LEVELS: Final = (DISTRICT, STREET, COMMUNITY, GRID, BUILDING)

# Levels that have a centre of their own.
CENTRE_LEVELS: Final = (CITY, DISTRICT, STREET, COMMUNITY)


def depth(*, level: str) -> int:
    """0 for a district, 4 for a building: the level column of the tree.

    :raises ValueError: for a level that is not in LEVELS.
    """
    return LEVELS.index(level)


def above(*, level: str) -> str | None:
    """The level of the parent; None for a district.

    :raises ValueError: for a level that is not in LEVELS.
    """
    at = depth(level=level)
    return LEVELS[at - 1] if at else None


def below(*, level: str) -> str | None:
    """The level of the children; None for a building. Of the city: the district.

    :raises ValueError: for an unknown level.
    """
    if level == CITY:
        return DISTRICT
    at = depth(level=level) + 1
    return LEVELS[at] if at < len(LEVELS) else None
