"""Codes of places: how long they are at each level, how a child's is made, in which order cells are numbered.

A code is a label: it may change, an id never does. The lengths belong to the city profile, so all of this hangs on a
`CodeScheme`; the default is Xi'an's. No Django here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grids.rules import levels

FIRST_VILLAGE: Final = 200  # community numbers below are residents' committees, from here on villages
FIRST_EXCLUSIVE: Final = 800  # cell numbers from here on are 专属网格 (a campus, a market)


class CodeError(ValueError):
    """A code that the scheme does not know, or a number that no longer fits."""


@dataclass(frozen=True, slots=True)
class CodeScheme:
    """How many digits each level adds. A building hangs under its cell, but its code under the community.

    So a re-cut of the cells renames no building.
    Source: GB/T 2260 (district 6), GB/T 10114 (street +3), national statistics (community +3), Beijing DB11 (cell +3);
    DB6101/T 3185 (building +5).
    """

    district: int = 6
    street: int = 3
    community: int = 3
    grid: int = 3
    building: int = 5

    def length(self, *, level: str) -> int:
        """Digits of a whole code of this level.

        :raises ValueError: for a level that is not in LEVELS.
        """
        upto = levels.depth(level=level)
        if level == levels.BUILDING:
            return self.length(level=levels.COMMUNITY) + self.building
        return sum(getattr(self, name) for name in levels.LEVELS[: upto + 1])

    def level_of(self, *, code: str) -> str:
        """The level that a code of this length has.

        :raises CodeError: if it is not digits only, or no level has this length.
        """
        if code.isascii() and code.isdigit():
            for level in levels.LEVELS:
                if self.length(level=level) == len(code):
                    return level
        raise CodeError(code)

    def label_parent(self, *, code: str) -> str | None:
        """The code that this one begins with: for a building its community, for a district None.

        :raises CodeError: as `level_of`.
        """
        level = self.level_of(code=code)
        above = levels.COMMUNITY if level == levels.BUILDING else levels.above(level=level)
        return code[: self.length(level=above)] if above else None

    def child(self, *, parent: str, level: str, number: int) -> str:
        """The code of child `number` (1 to 9…9) below `parent`; for a building `parent` is the community's code.

        :raises CodeError: if the number does not fit, or `parent` is not of the level above.
        """
        above = levels.COMMUNITY if level == levels.BUILDING else levels.above(level=level)
        digits = int(getattr(self, level))
        if above is None or self.level_of(code=parent) != above or not 1 <= number < 10**digits:
            raise CodeError(f"{parent}+{number}")
        return f"{parent}{number:0{digits}d}"


XIAN: Final = CodeScheme()


def is_village(*, code: str, scheme: CodeScheme = XIAN) -> bool:
    """Whether a community code belongs to a village committee (村) rather than a residents' one (居).

    :raises CodeError: if it is no community code.
    """
    if scheme.level_of(code=code) != levels.COMMUNITY:
        raise CodeError(code)
    return int(code[-scheme.community :]) >= FIRST_VILLAGE


def kind_of_cell(*, code: str, scheme: CodeScheme = XIAN) -> str:
    """`basic` (基础网格) or `exclusive` (专属网格), by the number of the cell.

    :raises CodeError: if it is no cell code.
    """
    if scheme.level_of(code=code) != levels.GRID:
        raise CodeError(code)
    exclusive = scheme.grid >= 3 and int(code[-scheme.grid :]) >= FIRST_EXCLUSIVE
    return "exclusive" if exclusive else "basic"


def numbering(*, points: Sequence[tuple[float, float]]) -> list[int]:
    """The indices of `points` ((lng, lat)) in the order in which their cells get numbers: west to east, then north to south.

    Two that stand one above the other to a thousandth of a degree (100 m) go from north to south.
    Source: Beijing DB11 and Xi'an DB6101/T 3185.
    """
    return sorted(range(len(points)), key=lambda i: (round(points[i][0], 3), -points[i][1], points[i][0], i))
