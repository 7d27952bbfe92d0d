"""Places, people and authority."""

from grids.models.people import Membership, OrgUnit, User
from grids.models.place import City, Place

__all__ = ["City", "Membership", "OrgUnit", "Place", "User"]
