"""Cases in the admin, to look at, and categories, to edit. Cases change by ops alone."""

from incidents.admin.cases import ConflictAdmin, EventAdmin, IncidentAdmin
from incidents.admin.categories import CategoryAdmin

__all__ = ["CategoryAdmin", "ConflictAdmin", "EventAdmin", "IncidentAdmin"]
