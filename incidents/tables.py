"""The hot tables: model and struct of each. Nothing else knows both."""

from gridgov.feed.tables import Table
from incidents import models
from incidents.rules import rows

INCIDENTS: Table[rows.Incident] = Table(models.Incident, rows.Incident)
EVENTS: Table[rows.Event] = Table(models.Event, rows.Event)
CONTENTS: Table[rows.EventContent] = Table(models.EventContent, rows.EventContent, key="event")
CONFLICTS: Table[rows.Conflict] = Table(models.Conflict, rows.Conflict)
NOTICES: Table[rows.Notice] = Table(models.Notice, rows.Notice)
PHOTOS: Table[rows.Photo] = Table(models.Photo, rows.Photo)
RECEIPTS: Table[rows.Receipt] = Table(models.Receipt, rows.Receipt, key="op_id")
