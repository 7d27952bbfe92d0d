"""Addresses of the desk, below /desk/."""

from django.urls import path

from incidents import pages

urlpatterns = [
    path("", pages.desk, name="desk"),
    path("cases/<uuid:case>/", pages.desk, name="desk-case"),
    path("part/queue/", pages.queue_part, name="desk-queue-part"),
    path("part/cases/<uuid:case>/", pages.case_part, name="desk-case-part"),
]
