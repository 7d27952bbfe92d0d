"""Reads about cases. Objects are obtained through `access_*`, which take a Scope; nothing here writes."""

from incidents.queries.cases import access_incident, case_record, incident_page, nearby

__all__ = ["access_incident", "case_record", "incident_page", "nearby"]
