"""The admin of the ground: places, people, units, memberships. What it changes goes through `grids.edits`."""

from grids.admin.members import MembershipAdmin
from grids.admin.people import UserAdmin
from grids.admin.places import PlaceAdmin
from grids.admin.units import OrgUnitAdmin

__all__ = ["MembershipAdmin", "OrgUnitAdmin", "PlaceAdmin", "UserAdmin"]
