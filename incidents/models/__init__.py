"""Cases, their log, photos and categories."""

from incidents.models.case import Conflict, Event, EventContent, Incident, Notice, NumberBlock, OpFailure, Receipt
from incidents.models.category import Category, HandlingClass
from incidents.models.photo import Delivery, Photo, Picture

__all__ = [
    "Category",
    "Conflict",
    "Delivery",
    "Event",
    "EventContent",
    "HandlingClass",
    "Incident",
    "Notice",
    "NumberBlock",
    "OpFailure",
    "Photo",
    "Picture",
    "Receipt",
]
