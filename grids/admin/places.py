"""The tree of places in the admin: one level at a time, found by code or name, shown on a map. Only names are changed here."""

import uuid
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from grids.admin.rights import OursAdmin, lies_in
from grids.edits import rename_place
from grids.models import Place
from grids.place_queries import geojson_geometry, sids_of
from grids.scope import Area

NEIGHBOURS = 400  # so many siblings are drawn at most
# Counted for the rows of one page only; a join would group all that the search finds.
BELOW = Place.objects.filter(parent=OuterRef("pk")).order_by().values("parent").annotate(number=Count("pk")).values("number")


class OneLevel(ChangeList):
    """Without a search or a filter: the top of the tree, not the whole of it."""

    def get_queryset(self, request: HttpRequest, *args: Any) -> QuerySet[Any]:
        """As Django's, but for the top."""
        rows = super().get_queryset(request, *args)
        narrowed = self.query or any(name in self.params for name in ("parent", "level__exact", "kind__exact"))
        return rows if narrowed else rows.filter(self.model_admin.top(request))  # type: ignore[attr-defined]


@admin.register(Place)
class PlaceAdmin(OursAdmin[Place]):
    """Browsed lazily: a page of children, or a page of what a search finds."""

    list_display = ("down", "code", "level", "kind", "children_count", "below_count", "area", "boundary_version")
    list_display_links = ("code",)
    list_filter = ("level", "kind")
    search_fields = ("code", "name")
    search_help_text = _("The beginning of a code, or a part of a name.")
    ordering = ("code",)
    labels = {"valid_from": _("valid from"), "id": _("id")}
    fields = ("name", "code", "level", "kind", "within_places", "area", "boundary_version", "synthetic", "valid_from", "valid_to", "id")
    readonly_fields = fields[1:]
    change_form_template = "admin/grids/place/change_form.html"
    change_list_template = "admin/grids/place/change_list.html"

    class Media:
        css = {"all": ("vendor/leaflet/leaflet.css",)}
        js = ("vendor/leaflet/leaflet.js", "grids/admin_map.js")

    def within(self, areas: tuple[Area, ...]) -> Q:
        """Places in the reader's part of the city."""
        return lies_in(areas)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Places are made by the city's import and by re-cuts."""
        return False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """`parent` is how one goes down the tree."""
        return lookup == "parent" or super().lookup_allowed(lookup, value, request)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """One level at a time."""
        return OneLevel

    def top(self, request: HttpRequest) -> Q:
        """The roots that the reader sees: districts, or the tops of their own areas."""
        seen = super().get_queryset(request)
        return Q(parent=None) if request.user.is_superuser else ~Q(parent__in=seen.values("pk"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Place]:
        """Shapes are read for one place only."""
        rows = super().get_queryset(request).defer("geometry")
        at_list = request.resolver_match is not None and request.resolver_match.url_name == "grids_place_changelist"
        return rows.annotate(children_number=Subquery(BELOW)) if at_list else rows

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Place], search_term: str) -> tuple[QuerySet[Place], bool]:
        """By the beginning of a code or a part of a name, as the API does."""
        text = search_term.strip()
        return (queryset.filter(Q(code__startswith=text) | Q(name__icontains=text)) if text else queryset), False

    # --- columns -----------------------------------------------------------------------------------------------

    @admin.display(description=_("name"), ordering="name")
    def down(self, place: Place) -> str:
        """The name; where something lies below, a link to it."""
        if place.is_leaf_node():
            return place.name
        address = reverse("admin:grids_place_changelist")
        return format_html(
            '<a class="down" href="{}?{}">{} <span aria-hidden="true">▸</span></a>', address, urlencode({"parent": place.pk}), place.name
        )

    @admin.display(description=_("directly below"))
    def children_count(self, place: Place) -> int:
        """How many children there are."""
        return int(place.children_number or 0)

    @admin.display(description=_("all below"))
    def below_count(self, place: Place) -> int:
        """How many there are below in all."""
        return int(place.get_descendant_count())

    @admin.display(description=_("area"), ordering="area_m2")
    def area(self, place: Place) -> str:
        """In km², or m² where that is small."""
        return f"{place.area_m2 / 1e6:,.2f} km²" if place.area_m2 >= 100_000 else f"{place.area_m2:,.0f} m²"

    @admin.display(description=_("lies in"))
    def within_places(self, place: Place) -> str:
        """Names from the district down."""
        names = Place.objects.filter(sid__in=sids_of(path=place.path)[:-1]).order_by("depth").values_list("name", flat=True)
        return " › ".join(names) or "–"

    # --- pages -------------------------------------------------------------------------------------------------

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """With the line of ancestors above the list."""
        line: list[Place] = []
        try:
            parent = Place.objects.filter(pk=uuid.UUID(request.GET.get("parent", ""))).only("path").first()
        except ValueError:
            parent = None
        if parent is not None:
            line = list(super().get_queryset(request).defer("geometry").filter(sid__in=sids_of(path=parent.path)).order_by("depth"))
        return super().changelist_view(request, {"line": line, **(extra_context or {})})

    def get_urls(self) -> list[URLPattern]:
        """Our addresses first."""
        shapes = self.admin_site.admin_view(self.shapes)
        return [path("<uuid:pk>/shapes/", shapes, name="grids_place_shapes"), *super().get_urls()]

    def shapes(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """The place (`own`), its siblings and its parent as GeoJSON for the map. Two statements."""
        place = self.get_queryset(request).filter(pk=pk).defer(None).first()
        if place is None:
            raise Http404
        siblings = Place.objects.filter(parent=place.parent_id, level=place.level).exclude(pk=pk).order_by("code")
        above = Place.objects.filter(pk=place.parent_id)
        rows = [(place, "own"), *((row, "parent") for row in above), *((row, "sibling") for row in siblings[:NEIGHBOURS])]
        features = [
            {
                "type": "Feature",
                "properties": {"role": role, "name": row.name, "code": row.code},
                "geometry": geojson_geometry(wkb=bytes(row.geometry)),
            }
            for row, role in rows
        ]
        return JsonResponse({"type": "FeatureCollection", "features": features}, headers={"Cache-Control": "no-store"})

    def save_model(self, request: HttpRequest, obj: Place, form: Any, change: bool) -> None:
        """The name, and the word to those who read it."""
        rename_place(place=obj, name=form.cleaned_data["name"], now=timezone.now())
