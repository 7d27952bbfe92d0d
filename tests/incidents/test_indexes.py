"""Indexes of tables that grow without end: what lists and sweeps ask for has one, and PostgreSQL keeps no second one of a column."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import QuerySet
from django.test import RequestFactory

from incidents.models import Conflict, Incident, Picture
from tests.world import World

NEWEST = Incident.objects.order_by("-received_at", "-id")


def plan(rows: QuerySet[Any]) -> str:
    """How the database would fetch these rows if the table were large."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:  # the test's transaction rolls it back
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
    return str(rows.explain())


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rows", "index"),
    [
        (NEWEST[:50], "incident_recent"),
        (Conflict.objects.filter(by="0198a1b2-0000-7000-8000-000000000001"), "incidents_conflict_by_"),
        (Picture.objects.filter(view_sha256="a" * 64), "picture_view"),
        (Picture.objects.filter(thumb_sha256="a" * 64), "picture_thumb"),
    ],
    ids=["newest cases", "conflicts of a person", "pictures of a view", "pictures of a thumbnail"],
)
def test_what_is_asked_for_all_day_has_an_index(rows: QuerySet[Any], index: str) -> None:
    assert index in plan(rows)


def test_the_list_of_cases_in_the_admin_is_in_the_order_of_that_index(world: World) -> None:
    request = RequestFactory().get("/admin/incidents/incident/")
    request.user = world.user("admin")
    model_admin: Any = admin.site.get_model_admin(Incident)
    rows = model_admin.get_changelist_instance(request).queryset
    assert rows.query.order_by[:2] == ("-received_at", "-id")
    assert "incident_recent" in plan(rows[:50])


@pytest.mark.django_db
def test_no_hot_table_keeps_a_second_index_for_like() -> None:
    hot = ("incidents_incident", "incidents_event", "incidents_photo", "incidents_picture", "incidents_delivery", "feed_feedrow")
    with connection.cursor() as cursor:
        names = [name for table in hot for name in connection.introspection.get_constraints(cursor, table)]
    assert "picture_view" in names
    assert [name for name in names if name.endswith("_like")] == []
